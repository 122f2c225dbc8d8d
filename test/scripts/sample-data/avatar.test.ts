import t from 'tap'
import { drawAvatar } from '../../../scripts/sample-data/avatar.js'
import { randomOf } from '../../../scripts/sample-data/random.js'
import { decodePng } from '../../support/decode-png.js'

const avatars = Array.from({ length: 1000 }, (_, i) => drawAvatar(randomOf(1, i)))

t.test('avatars are small images in four colours: a person on a plain background', async t => {
  const wrong = avatars.filter(avatar => {
    const { width, height, pixels } = decodePng(avatar)
    const corners = [pixels[0], pixels[63]]
    return width !== 64 || height !== 64 || avatar.length > 1300 || new Set(pixels).size !== 4 ||
      corners[0] !== corners[1] || corners[0] === pixels[32 * 64 + 32]
  })
  t.same(wrong, [])
})

t.test('images rarely repeat, and the same input gives the same image', async t => {
  t.ok(new Set(avatars.map(String)).size > 990)
  t.same(drawAvatar(randomOf(1, 7)), avatars[7])
})
