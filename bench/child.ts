import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const children = new Set<ChildProcess>()

/** A process that runs beside the benchmark, and ends with it. */
export interface Child {
  readonly pid: number
  /** What it says when it is up: a line of JSON. */
  readonly hello: any
  /** Sends it a message and waits for the next one from it. */
  ask (question: unknown): Promise<any>
  stop (): Promise<void>
}

interface StartOptions {
  readonly env?: Record<string, string>
  readonly execArgv?: readonly string[]
}

/** Starts a module of this folder, or the service itself, in a process of its own and waits for its first line of JSON. */
export async function startNode (module: string, args: readonly string[] = [], { env = {}, execArgv = [] }: StartOptions = {}): Promise<Child> {
  const child = spawn(process.execPath, [...execArgv, pathOf(module), ...args], {
    env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit', 'ipc'], detached: true
  })
  const lines = createInterface({ input: child.stdout! })
  const [line] = await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(() => { throw new Error(`${module} has ended at once`) })
  ]) as [string]
  const ask = async (question: unknown) => {
    const answer = once(child, 'message')
    child.send(question as object)
    return (await answer)[0]
  }
  return { ...track(child), hello: JSON.parse(line), ask }
}

/** The path of a module, from this folder. */
export function pathOf (module: string): string {
  return fileURLToPath(new URL(module, import.meta.url))
}

/** Keeps an eye on a process, begun as `detached`: it is stopped, with those that it began, with the benchmark at the latest. */
export function track (child: ChildProcess): Pick<Child, 'pid' | 'stop'> {
  children.add(child)
  const exit = once(child, 'exit').then(() => { children.delete(child) })
  return {
    pid: child.pid!,
    stop: async () => {
      child.kill('SIGTERM')
      await exit
    }
  }
}

process.on('exit', () => children.forEach(({ pid }) => {
  try {
    process.kill(-pid!, 'SIGKILL')
  } catch {} // it has just ended
}))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

/** Whether there is such a command. */
export function isInstalled (command: string): boolean {
  return spawnSync('which', [command]).status === 0
}

/** CPU time that a process with all its threads has had, in seconds. Of Linux only. */
export function cpuSeconds (pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`)
  return tasks.reduce((sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]), 0) / 1e9
}

/** Memory of a process, and the most that it has had, in bytes. Of Linux only. */
export function memory (pid: number): { readonly now: number, readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)![1]) * 1024
  return { now: bytes('VmRSS'), peak: bytes('VmHWM') }
}
