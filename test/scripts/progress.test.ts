import t from 'tap'
import { objectsListed, Progress } from '../../scripts/progress.js'

/** The output if `steps` of `total` steps are done, each in `stepMs` milliseconds. */
function watch (total: number, steps: number, stepMs: number, isTTY: boolean): string[] {
  const written: string[] = []
  let now = 1_000_000
  const progress = new Progress(total, { isTTY, write: text => written.push(text) }, () => now)
  for (let i = 0; i < steps; i++) {
    now += stepMs
    progress.step()
  }
  progress.end()
  return written
}

t.test('progress is a plain line every five seconds and one at the end', async t => {
  t.same(watch(12, 12, 1000, false), ['5/12, 1/s, 7 s left\n', '10/12, 1/s, 2 s left\n', '12/12, 1/s, 12 s\n'])
})

t.test('on a terminal, progress is a bar that is drawn at most ten times a second', async t => {
  const written = watch(300, 300, 10, true)
  t.equal(written.length, 30 + 2)
  t.equal(written[14], `\r${'█'.repeat(15)}${'░'.repeat(15)} 150/300, 100/s, 2 s left\x1b[K`)
  t.equal(written.at(-2), `\r${'█'.repeat(30)} 300/300, 100/s, 3 s\x1b[K`)
  t.equal(written.at(-1), '\n')
})

t.test('if the number of all steps is not known, the number of steps that are done is shown', async (t) => {
  const written: string[] = []
  let now = 0
  const progress = new Progress(undefined, { isTTY: true, write: (text) => written.push(text) }, () => now, objectsListed)
  now = 2000
  progress.set(1000)
  progress.end()
  t.same(written, ['\r1000 objects listed, 500/s, 2 s\x1b[K', '\r1000 objects listed, 500/s, 2 s\x1b[K', '\n'])
  progress.set(1)
  progress.end()
  t.equal(written.at(-2), '\r1 object listed, 0.50/s, 2 s\x1b[K')
})

t.test('a rate below one a second is shown, and words that change', async (t) => {
  const written: string[] = []
  let now = 0
  let failures = 0
  const progress = new Progress(10, { write: (text) => written.push(text) }, () => now, () => `runs, ${failures} failed`)
  now = 8000
  progress.set(3)
  failures++
  now = 40_000
  progress.set(4)
  t.same(written, ['3/10 runs, 0 failed, 0.38/s, 19 s left\n', '4/10 runs, 1 failed, 0.10/s, 60 s left\n'])
})

t.test('the number of all steps may change', async (t) => {
  const written: string[] = []
  let now = 0
  const progress = new Progress(10, { write: (text) => written.push(text) }, () => now)
  now = 5000
  progress.set(5, 20)
  t.same(written, ['5/20, 1/s, 15 s left\n'])
})

t.test('the final state is written even without a step, and if some steps are not done', async t => {
  t.same(watch(0, 0, 0, false), ['0/0, 0/s, 1 s\n'])
  t.same(watch(10, 0, 0, false), ['0/10, 0/s, 1 s\n'])
  t.match(watch(10, 4, 1000, false).at(-1), '4/10, 1/s, 6 s left')
})
