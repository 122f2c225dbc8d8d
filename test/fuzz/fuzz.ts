import fc, { type IRawProperty } from 'fast-check'
import type { Target } from './target.js'

export interface FuzzOptions {
  readonly seed: number
  /** Runs of each target. Default: as many as the time allows. */
  readonly runs?: number | undefined
  /** The time limit of each target. Default: none. */
  readonly minutes?: number | undefined
  /** The path to one case, from the report of a failure. */
  readonly path?: string | undefined
}

const PROGRESS_MS = 10_000

/** Runs the targets one after the other. Returns the names of those with a fault. */
export async function fuzz (targets: readonly Target[], { seed, runs = Infinity, minutes, path }: FuzzOptions, print: (line: string) => void): Promise<string[]> {
  const failed: string[] = []
  for (const target of targets) {
    print(`${target.name}: seed ${seed}`)
    const { property, close } = await target.open()
    try {
      const result = await fc.check(withProgress(property, (runs) => print(`${target.name}: ${runs} runs`)), {
        seed,
        numRuns: runs,
        ...path !== undefined && { path },
        ...minutes !== undefined && { interruptAfterTimeLimit: minutes * 60_000, markInterruptAsFailure: false }
      })
      if (!result.failed) {
        print(`${target.name}: ${result.numRuns} runs, no fault`)
        continue
      }
      failed.push(target.name)
      print(`${target.name}: ${String(result.errorInstance)}`)
      print(fc.defaultReportMessage(result)!)
      print(`Replay: npm run fuzz -- --only ${target.name} --seed ${seed} --path ${result.counterexamplePath}`)
    } finally {
      await close?.()
    }
  }
  return failed
}

/** The same property; reports the number of its runs from time to time. */
function withProgress (property: IRawProperty<unknown, boolean>, report: (runs: number) => void): IRawProperty<unknown, boolean> {
  let runs = 0
  let next = performance.now() + PROGRESS_MS
  const count = () => {
    runs++
    if (performance.now() < next) return
    next += PROGRESS_MS
    report(runs)
  }
  return Object.assign(Object.create(property) as IRawProperty<unknown, boolean>, {
    run: ((value: unknown) => {
      count()
      return property.run(value)
    }) as IRawProperty<unknown, boolean>['run']
  })
}
