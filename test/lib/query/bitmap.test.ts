import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { BitmapPositions } from '../../../lib/query/bitmap-positions.js'
import { addRows, addWhere, countCommonRows, countRows, emptyBitmap, fullBitmap, hasRow, keepRowsIn, rowsIn } from '../../../lib/query/bitmap.js'
import { runs } from '../../support/property-runs.js'

/** A table with this many rows, two sets of its rows, and its rows in some order. */
const tables = fc.integer({ min: 0, max: 130 }).chain((length) => {
  const rows = Array.from({ length }, (_, row) => row)
  return fc.record({ length: fc.constant(length), some: fc.subarray(rows), others: fc.subarray(rows), order: fc.shuffledSubarray(rows) })
})

t.test('a bitmap is a set of rows', async (t) => {
  await fc.assert(fc.asyncProperty(tables, async ({ length, some, others, order }) => {
    const [a, b] = [emptyBitmap(length), emptyBitmap(length)]
    addRows(a, Uint32Array.from(some))
    addRows(b, Uint32Array.from(others))
    assert.deepEqual(Array.from({ length }, (_, row) => hasRow(a, row)), Array.from({ length }, (_, row) => some.includes(row)))
    const c = emptyBitmap(length)
    addWhere(c, 0, length, (row) => some.includes(row))
    assert.deepEqual(c, a)
    assert.deepEqual([...rowsIn(fullBitmap(length), length)], [...Array(length).keys()])
    assert.deepEqual([countRows(a), countCommonRows(a, b)], [some.length, some.filter((row) => others.includes(row)).length])
    assert.deepEqual([...rowsIn(a, some.length)], some)
    const kept = order.filter((row) => some.includes(row))
    assert.deepEqual([...keepRowsIn(Uint32Array.from(order), a, kept.length)], kept)
    const positions = await BitmapPositions.find(Uint32Array.from(order), a)
    const marked = [...order.keys()].filter((position) => some.includes(order[position]!))
    assert.deepEqual(marked.map((_, count) => positions.positionOf(count)), marked)
    assert.deepEqual(Array.from({ length: order.length + 1 }, (_, position) => positions.countBefore(position)), Array.from({ length: order.length + 1 }, (_, position) => marked.filter((other) => other < position).length))
  }), runs(200))
  t.pass('no counterexample')
})
