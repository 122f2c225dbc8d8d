import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { isPackedEtag, packEtag, unpackEtag } from '../../../lib/store/packed-etag.js'
import { sliceAt, Utf8Builder } from '../../../lib/table/utf8-column.js'
import { runs } from '../../support/property-runs.js'
import { utf8ColumnOf } from '../../support/tables.js'

const hex = (length: number) => fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length })
const etag = fc.oneof(hex(32), hex(16), hex(17), hex(32).map((text) => text.toUpperCase()), hex(32).map((text) => `${text}-12`), hex(31).map((text) => `${text}g`),
  fc.string({ minLength: 15, maxLength: 17 }), fc.constantFrom('', '0'.repeat(32), 'é'.repeat(8), 'é'.repeat(16)))

t.test('unpacking returns the packed ETag, and different ETags have different packed forms', async () => {
  fc.assert(fc.property(fc.array(etag, { minLength: 1, maxLength: 9 }), (etags) => {
    const original = utf8ColumnOf(etags)
    const column = new Utf8Builder()
    for (let i = 0; i < etags.length; i++) column.pushSlice(packEtag(sliceAt(original, i)))
    assert.deepEqual(etags.map((_, row) => unpackEtag(column, row)), etags)
    for (let row = 0; row < etags.length; row++) {
      for (let i = 0; i < etags.length; i++) assert.equal(isPackedEtag(column, row, sliceAt(original, i)), etags[row] === etags[i])
    }
  }), runs(2000))
})

t.test('32 hexadecimal digits take 16 bytes', async (t) => {
  const { start, end } = packEtag(sliceAt(utf8ColumnOf(['d41d8cd98f00b204e9800998ecf8427e']), 0))
  t.equal(end - start, 16)
})
