import t from 'tap'
import { isFollowed } from '../../../lib/worker/engine-rules.js'

t.test('a process takes over a listing of another one that is young, or that the other one is about to replace', async (t) => {
  for (const [ageMs, storedMs, listingMs, expected] of [
    [999, 990, 5, true],
    [1000, 990, 5, false],
    // The listings of the other process take 10 s, and it lists all the time: its next one is stored after about 10 s.
    [10_500, 500, 10_000, true],
    [21_000, 11_000, 10_000, true],
    // It has stopped.
    [30_000, 20_000, 10_000, false],
    // The first load has downloaded for an hour: nothing is younger than what it has just stored. Later it counts what a listing takes.
    [3_600_500, 500, 10_000, true],
    [3_620_000, 20_000, 10_000, false]
  ] as const) t.equal(isFollowed({ ageMs, storedMs, listingMs }, 2000), expected, `${ageMs}, ${storedMs}, ${listingMs}`)
})
