import t from 'tap'
import { encodePng } from '../../../scripts/sample-data/png.js'
import { decodePng } from '../../support/decode-png.js'

t.test('a decoded PNG has the same pixels', async t => {
  const palette = ['000000', 'ff8000', '0080ff', 'fffffe']
  const pixels = Uint8Array.from({ length: 8 * 3 }, (_, i) => i * 7 % 4)
  const decoded = decodePng(encodePng({ width: 8, height: 3, palette, pixels }))
  t.equal(decoded.width, 8)
  t.equal(decoded.height, 3)
  t.same(decoded.pixels, [...pixels].map(colour => palette[colour]))
})
