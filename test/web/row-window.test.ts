import fc from 'fast-check'
import t from 'tap'
import { MAX_HEIGHT, rowWindow, scrolled, settled, type Place } from '../../web/row-window.js'
import { runs } from '../support/property-runs.js'

const ROW_HEIGHT = 44
const VIEWPORT = 700
const START: Place = { top: 0, shift: 0 }

const heights = fc.integer({ min: 1, max: 100_000_000 }).map((rows) => rows * ROW_HEIGHT)
/** The highest scroll position. */
const bottomOf = (height: number) => Math.max(0, Math.min(height, MAX_HEIGHT) - VIEWPORT)
/** The pixels of the rows above the viewport. */
const above = ({ top, shift }: Place) => top + shift

t.test('the rows of the document are those in view and some around them, whatever the length of the table', async (t) => {
  t.same(rowWindow({ top: 0, height: 440, rowHeight: 44 }, 1_000_000), { first: 0, end: 22 })
  t.same(rowWindow({ top: 44 * 500_000, height: 440, rowHeight: 44 }, 1_000_000), { first: 499_988, end: 500_022 })
  t.same(rowWindow({ top: 44 * 100, height: 440, rowHeight: 44 }, 5), { first: 0, end: 5 })
  t.same(rowWindow({ top: 0, height: 440, rowHeight: 44 }, 0), { first: 0, end: 0 })
})

t.test('a table that is not too high is not scaled', async (t) => {
  fc.assert(fc.property(fc.integer({ min: 0, max: MAX_HEIGHT }), fc.array(fc.nat(MAX_HEIGHT)), (height, tops) => {
    const place = tops.reduce((place, top) => scrolled(place, top, height), START)
    t.strictSame([place.shift, settled(place, height)], [0, place])
  }), runs(200))
})

t.test('the ends of the scroll bar are the first and the last row, and a jump leads to a place between them in the order of the positions', async (t) => {
  fc.assert(fc.property(heights, fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (height, shares) => {
    const bottom = bottomOf(height)
    const jumpTo = (top: number) => above(scrolled({ top: -Infinity, shift: 0 }, top, height))
    t.equal(jumpTo(0), 0)
    t.equal(jumpTo(bottom), Math.max(0, height - VIEWPORT))
    const places = shares.toSorted((a, b) => a - b).map((share) => jumpTo(share * bottom))
    t.strictSame(places, places.toSorted((a, b) => a - b))
  }), runs(200))
})

t.test('small steps move the rows by as much as the scroll position, and a table at rest keeps its rows', async (t) => {
  fc.assert(fc.property(heights, fc.double({ min: 0, max: 1, noNaN: true }), fc.array(fc.integer({ min: -3000, max: 3000 }), { maxLength: 20 }), (height, share, steps) => {
    const bottom = bottomOf(height)
    const start = scrolled({ top: -Infinity, shift: 0 }, share * bottom, height)
    const tops = steps.reduce<number[]>((tops, step) => [...tops, Math.min(bottom, Math.max(0, tops.at(-1)! + step))], [start.top])
    const end = tops.reduce((place, top) => scrolled(place, top, height), start)
    t.equal(end.shift, start.shift)
    const rest = settled(end, height)
    t.ok(Math.abs(above(rest) - above(end)) < 1e-3)
    // A jump to the new position would show the same rows.
    t.ok(Math.abs(above(scrolled({ top: -Infinity, shift: 0 }, rest.top, height)) - above(end)) < 1e-3)
  }), runs(200))
})

t.test('every row can be reached by the wheel from its neighbour, through all of a table that is too high', async (t) => {
  const height = 1_000_000 * ROW_HEIGHT
  let place = START
  // The wheel moves by at most 3,000 pixels, and rests after every tenth step.
  for (let step = 1; above(place) < height - VIEWPORT; step++) {
    const before = above(place)
    place = scrolled(place, Math.min(bottomOf(height), place.top + 3000), height)
    if (above(place) - before > 3000.001 || above(place) <= before) throw new Error(`step ${step}: from ${before} to ${above(place)}`)
    if (step % 10 === 0) place = settled(place, height)
  }
  t.equal(Math.round(above(place)), height - VIEWPORT)
})
