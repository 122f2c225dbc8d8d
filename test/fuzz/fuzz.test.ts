import fc from 'fast-check'
import t from 'tap'
import '../support/file-timeout.js'
import { runs } from '../support/property-runs.js'
import { fuzz } from './fuzz.js'
import { TARGETS } from './targets.js'
import type { Target } from './target.js'

for (const target of TARGETS) {
  t.test(`random ${target.name} show no fault`, async () => {
    const { property, close } = await target.open()
    try {
      await fc.assert(property, runs(target.runs))
    } finally {
      await close?.()
    }
  })
}

t.test('a failure is reported with the command that replays its smallest case, and the replay is the same', async (t) => {
  const failing: Target = { name: 'numbers', about: '', runs: 1, open: async () => ({ property: fc.property(fc.nat(), (n) => n < 1000) }) }
  const lines: string[] = []
  const failed = await fuzz([failing], { runs: 100, seed: 7 }, (line) => lines.push(line))
  t.same(failed, ['numbers'])
  const report = lines.join('\n')
  t.match(report, /Counterexample: \[1000\]/)
  const [, path] = /^Replay: npm run fuzz -- --only numbers --seed 7 --path (\S+)$/m.exec(report)!
  const replayed: string[] = []
  t.same(await fuzz([failing], { runs: 1, seed: 7, path }, (line) => replayed.push(line)), ['numbers'])
  t.match(replayed.join('\n'), /Counterexample: \[1000\]/)
})

t.test('a target without a fault runs as often or as long as requested', async (t) => {
  let runs = 0
  const counting: Target = { name: 'numbers', about: '', runs: 1, open: async () => ({ property: fc.property(fc.nat(), () => { runs++ }) }) }
  t.same(await fuzz([counting], { runs: 250, seed: 7 }, () => {}), [])
  t.equal(runs, 250)
  const lines: string[] = []
  t.same(await fuzz([counting], { minutes: 0.0001, seed: 7 }, (line) => lines.push(line)), [])
  t.match(lines.at(-1), /^numbers: \d+ runs, no fault$/)
})
