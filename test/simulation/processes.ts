import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Outcome } from './world.js'

const WORKER = fileURLToPath(new URL('worker.js', import.meta.url))

/**
 * Runs the histories of seeds in several processes. Each one receives its next seed when it has ended the previous one.
 *
 * @param onOutcome receives the outcomes in the order in which the histories end
 * @throws Error if a process ends before its history has
 */
export async function runInProcesses (seeds: readonly number[], jobs: number, onOutcome: (outcome: Outcome) => void): Promise<void> {
  let next = 0
  const run = () => new Promise<void>((resolve, reject) => {
    const worker = fork(WORKER)
    const sendNext = () => {
      if (next < seeds.length) worker.send(seeds[next++]!)
      else worker.disconnect()
    }
    worker.on('message', (outcome) => {
      onOutcome(outcome as Outcome)
      sendNext()
    })
    worker.on('error', reject)
    worker.on('exit', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`a process of the simulation has ended with exit code ${code}`))
    })
    sendNext()
  })
  await Promise.all(Array.from({ length: Math.min(jobs, seeds.length) }, run))
}
