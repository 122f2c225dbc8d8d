import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { MarkedPositions } from '../../../lib/query/marked-positions.js'
import { allMarks, countCommonMarks, countMarks, isMarked, keepMarked, mark, markedRows, markWhere, noMarks } from '../../../lib/query/marks.js'
import { runs } from '../../support/property-runs.js'

/** A table with this many rows, two sets of its rows, and its rows in some order. */
const tables = fc.integer({ min: 0, max: 130 }).chain((length) => {
  const rows = Array.from({ length }, (_, row) => row)
  return fc.record({ length: fc.constant(length), some: fc.subarray(rows), others: fc.subarray(rows), order: fc.shuffledSubarray(rows) })
})

t.test('marks are a set of rows', async (t) => {
  await fc.assert(fc.asyncProperty(tables, async ({ length, some, others, order }) => {
    const [a, b] = [noMarks(length), noMarks(length)]
    mark(a, Uint32Array.from(some))
    mark(b, Uint32Array.from(others))
    assert.deepEqual(Array.from({ length }, (_, row) => isMarked(a, row)), Array.from({ length }, (_, row) => some.includes(row)))
    const c = noMarks(length)
    markWhere(c, 0, length, (row) => some.includes(row))
    assert.deepEqual(c, a)
    assert.deepEqual([...markedRows(allMarks(length), length)], [...Array(length).keys()])
    assert.deepEqual([countMarks(a), countCommonMarks(a, b)], [some.length, some.filter((row) => others.includes(row)).length])
    assert.deepEqual([...markedRows(a, some.length)], some)
    const kept = order.filter((row) => some.includes(row))
    assert.deepEqual([...keepMarked(Uint32Array.from(order), a, kept.length)], kept)
    const positions = await MarkedPositions.find(Uint32Array.from(order), a)
    const marked = [...order.keys()].filter((position) => some.includes(order[position]!))
    assert.deepEqual(marked.map((_, count) => positions.positionOf(count)), marked)
    assert.deepEqual(Array.from({ length: order.length + 1 }, (_, position) => positions.countBefore(position)), Array.from({ length: order.length + 1 }, (_, position) => marked.filter((other) => other < position).length))
  }), runs(200))
  t.pass('no counterexample')
})
