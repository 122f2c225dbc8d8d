import type { Canvas } from './canvas.js'
import { CLOTH, HAIR, MIDDLE } from './portrait.js'

type Draw = (canvas: Canvas) => void

/** One way to wear one's hair. */
export interface HairStyle {
  /** What falls behind the shoulders and the head. */
  readonly behind?: Draw
  /** What lies on the head. */
  readonly above?: Draw
  readonly goesWithBeard?: true
}

const bald: HairStyle = { goesWithBeard: true }

const short: HairStyle = { above: crown(21), goesWithBeard: true }

const swept: HairStyle = {
  above: canvas => {
    crown(19)(canvas)
    canvas.ellipse(MIDDLE - 5, 17, 11, 6, HAIR)
    canvas.ellipse(MIDDLE + 9, 19, 5, 4, HAIR)
  },
  goesWithBeard: true
}

const curls: HairStyle = {
  behind: canvas => canvas.ellipse(MIDDLE, 25, 20, 19, HAIR),
  above: canvas => canvas.ellipse(MIDDLE, 16, 12, 6, HAIR)
}

const long: HairStyle = {
  behind: canvas => {
    canvas.ellipse(MIDDLE, 28, 17, 18, HAIR)
    canvas.rectangle(MIDDLE - 17, 28, 34, 27, HAIR)
  },
  above: crown(20)
}

const bob: HairStyle = {
  behind: canvas => {
    canvas.ellipse(MIDDLE, 27, 17, 17, HAIR)
    canvas.ellipse(MIDDLE, 36, 18, 9, HAIR)
  },
  above: crown(22)
}

const bun: HairStyle = { behind: canvas => canvas.ellipse(MIDDLE, 10, 7, 7, HAIR), above: crown(20) }

const bunches: HairStyle = {
  behind: canvas => {
    canvas.ellipse(MIDDLE - 17, 21, 7, 8, HAIR)
    canvas.ellipse(MIDDLE + 17, 21, 7, 8, HAIR)
  },
  above: crown(20)
}

const cap: HairStyle = {
  above: canvas => {
    canvas.ellipse(MIDDLE, 20, 14, 12, CLOTH, { bottom: 18 })
    canvas.rectangle(MIDDLE - 16, 17, 32, 4, CLOTH)
  },
  goesWithBeard: true
}

const scarf: HairStyle = {
  behind: canvas => {
    canvas.ellipse(MIDDLE, 29, 18, 20, CLOTH)
    canvas.rectangle(MIDDLE - 16, 38, 32, 16, CLOTH)
  },
  above: canvas => canvas.ellipse(MIDDLE, 26, 15, 14, CLOTH, { bottom: 19 })
}

/** Hair on the upper head, down to a row. */
function crown (bottom: number): Draw {
  return canvas => canvas.ellipse(MIDDLE, 26, 14, 14, HAIR, { bottom })
}

/** All of them. */
export const hairStyles: readonly HairStyle[] = [bald, short, swept, curls, long, bob, bun, bunches, cap, scarf]
