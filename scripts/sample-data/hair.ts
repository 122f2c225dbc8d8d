import type { Canvas } from './canvas.js'
import { CLOTH, HAIR, MIDDLE } from './portrait.js'

type Draw = (canvas: Canvas) => void

/** A hairstyle in two layers. */
export interface HairStyle {
  /** Drawn before the shoulders and the head. */
  readonly back?: Draw
  /** Drawn over the head. */
  readonly top?: Draw
  readonly goesWithBeard?: true
}

const bald: HairStyle = { goesWithBeard: true }

const short: HairStyle = { top: crown(21), goesWithBeard: true }

const swept: HairStyle = {
  top: canvas => {
    crown(19)(canvas)
    canvas.ellipse(MIDDLE - 5, 17, 11, 6, HAIR)
    canvas.ellipse(MIDDLE + 9, 19, 5, 4, HAIR)
  },
  goesWithBeard: true
}

const curls: HairStyle = {
  back: canvas => canvas.ellipse(MIDDLE, 25, 20, 19, HAIR),
  top: canvas => canvas.ellipse(MIDDLE, 16, 12, 6, HAIR)
}

const long: HairStyle = {
  back: canvas => {
    canvas.ellipse(MIDDLE, 28, 17, 18, HAIR)
    canvas.rectangle(MIDDLE - 17, 28, 34, 27, HAIR)
  },
  top: crown(20)
}

const bob: HairStyle = {
  back: canvas => {
    canvas.ellipse(MIDDLE, 27, 17, 17, HAIR)
    canvas.ellipse(MIDDLE, 36, 18, 9, HAIR)
  },
  top: crown(22)
}

const bun: HairStyle = { back: canvas => canvas.ellipse(MIDDLE, 10, 7, 7, HAIR), top: crown(20) }

const bunches: HairStyle = {
  back: canvas => {
    canvas.ellipse(MIDDLE - 17, 21, 7, 8, HAIR)
    canvas.ellipse(MIDDLE + 17, 21, 7, 8, HAIR)
  },
  top: crown(20)
}

const cap: HairStyle = {
  top: canvas => {
    canvas.ellipse(MIDDLE, 20, 14, 12, CLOTH, { bottom: 18 })
    canvas.rectangle(MIDDLE - 16, 17, 32, 4, CLOTH)
  },
  goesWithBeard: true
}

const scarf: HairStyle = {
  back: canvas => {
    canvas.ellipse(MIDDLE, 29, 18, 20, CLOTH)
    canvas.rectangle(MIDDLE - 16, 38, 32, 16, CLOTH)
  },
  top: canvas => canvas.ellipse(MIDDLE, 26, 15, 14, CLOTH, { bottom: 19 })
}

/** Covers the head with hair from the top down to the row `bottom`. */
function crown (bottom: number): Draw {
  return canvas => canvas.ellipse(MIDDLE, 26, 14, 14, HAIR, { bottom })
}

export const hairStyles: readonly HairStyle[] = [bald, short, swept, curls, long, bob, bun, bunches, cap, scarf]
