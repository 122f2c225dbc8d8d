// Palette indices of a portrait.
export const BACKGROUND = 0
export const SKIN = 1
export const HAIR = 2
export const CLOTH = 3

/** Width and height of a portrait in pixels, and its middle column. */
export const SIZE = 64
export const MIDDLE = SIZE / 2
