import { Canvas } from './canvas.js'
import { hairStyles } from './hair.js'
import { encodePng } from './png.js'
import { BACKGROUND, CLOTH, HAIR, MIDDLE, SIZE, SKIN } from './portrait.js'
import { between, pick, type Random } from './random.js'

const backgrounds = ['bfe0c8', 'cfe3f1', 'd8ead2', 'f7e3a1', 'e3d7f0', 'f6cdd3', 'c9e6e1', 'dcdfe4'] as const
const cloths = ['2f6690', '3a7d44', 'a23b4a', '5b4b8a', 'c8692c', '1f7a7a', '4b5563', 'b0417c'] as const

/** Pairs of skin and hair colours with enough contrast to keep the eyes visible. */
const complexions = [
  ['f7d7bd', '8f3b1f'], ['f7d7bd', '5f646c'], ['f2cba8', '6b4226'], ['f2cba8', '1f1a1c'],
  ['e3b183', '402a21'], ['e3b183', '2e3048'], ['cf9762', '1f1a1c'], ['cf9762', '4a2414'],
  ['b1764a', '2e2023'], ['b1764a', '1f1f33'], ['94613f', '1f1a1c'], ['855539', '17141a']
] as const

/** Draws a portrait of an invented person as a PNG of 64 x 64 pixels and about 1.2 kB. There are about 3.2 million different portraits. */
export function drawAvatar (random: Random): Buffer {
  const palette = [pick(random, backgrounds), ...pick(random, complexions), pick(random, cloths)]
  const hair = pick(random, hairStyles)
  const canvas = new Canvas(SIZE, BACKGROUND)
  hair.back?.(canvas)
  drawBody(canvas, random)
  drawHead(canvas, random, hair.goesWithBeard === true && random() < 0.4)
  hair.top?.(canvas)
  return encodePng({ width: SIZE, height: SIZE, palette, pixels: canvas.pixels })
}

function drawBody (canvas: Canvas, random: Random): void {
  canvas.ellipse(MIDDLE, 70, between(random, 23, 27), 23, CLOTH)
  canvas.ellipse(MIDDLE, 47, between(random, 6, 9), between(random, 5, 9), SKIN)
  canvas.rectangle(MIDDLE - 5, 38, 10, 9, SKIN)
}

function drawHead (canvas: Canvas, random: Random, bearded: boolean): void {
  canvas.ellipse(MIDDLE, 28, 15, 4, SKIN) // the ears
  canvas.ellipse(MIDDLE, 26, 13, 14, SKIN)
  canvas.ellipse(MIDDLE, 31, 11, 11, SKIN)
  if (bearded) canvas.ellipse(MIDDLE, 31, 12, 13, HAIR, { top: 32 })
  for (const side of [-5, 5]) canvas.ellipse(MIDDLE + side, 27, 1.5, 2, HAIR)
  canvas.ellipse(MIDDLE, 33, between(random, 3, 5), 4, bearded ? SKIN : HAIR, { top: 34 })
}
