import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { expandImageKeys, hasImageKey, imageKeyPacker, ImageTexts, packImageKeys, plainImageKeys } from '../../../lib/table/image-keys.js'
import { sliceAt, Utf8Reader } from '../../../lib/table/utf8-column.js'
import { finishSteps } from '../../../lib/base/steps.js'
import { runs } from '../../support/property-runs.js'
import { utf8ColumnOf } from '../../support/tables.js'

const NAMING = { prefix: 'data/', extensions: ['png', 'jpg', 'front.jpg'] }
const id = fc.constantFrom('1', 'a.b', 'ü', '😀', 'data', '1.png', '\u0080')
const image = (id: string) => fc.constantFrom('', `data/${id}.png`, `data/${id}.front.jpg`, `data/${id}.PNG`, `data/sub/${id}.png`, `data/${id}.webp`, `data/${id}png`, `data/x${id}.png`, `other/${id}.png`, 'p', '\u0080', '\uffff')
const row = id.chain((id) => image(id).map((image) => ({ id, image })))

t.test('any object key is restored exactly, whether it is read alone or with the whole column', async () => {
  fc.assert(fc.property(fc.array(row, { maxLength: 8 }), (rows) => {
    const [keys, texts] = [utf8ColumnOf(rows.map(({ id }) => id)), utf8ColumnOf(rows.map(({ image }) => image))]
    for (const stored of [packImageKeys(texts, keys, NAMING), plainImageKeys(texts)]) {
      const read = new ImageTexts(stored, keys)
      const all = new Utf8Reader(finishSteps(expandImageKeys(stored, keys)))
      assert.deepEqual(rows.map((_, row) => read.at(row)), rows.map(({ image }) => image))
      assert.deepEqual(rows.map((_, row) => all.at(row)), rows.map(({ image }) => image))
      assert.deepEqual(rows.map((_, row) => read.isEmpty(row)), rows.map(({ image }) => image === ''))
    }
  }), runs(1000))
})

t.test('a usual key takes one byte, and is recognized from a listing', async (t) => {
  const [keys, texts] = [utf8ColumnOf(['1', '2', '3']), utf8ColumnOf(['data/1.png', 'data/2.front.jpg', 'data/3.gif'])]
  const stored = packImageKeys(texts, keys, NAMING)
  t.same([...stored.offsets], [0, 1, 2, 12])
  const pack = imageKeyPacker(NAMING)
  for (let listed = 0; listed < 3; listed++) {
    const key = sliceAt(texts, listed)
    const packed = pack(key, { start: key.start + 5, end: key.start + 6 })
    for (let row = 0; row < 2; row++) t.equal(hasImageKey(stored, row, packed), row === listed, 'usual keys with another extension differ')
    t.equal(hasImageKey(stored, 2, packed), listed === 2)
  }
})
