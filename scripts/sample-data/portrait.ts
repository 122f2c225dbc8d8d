// The positions of the colours in a portrait's palette.
export const BACKGROUND = 0
export const SKIN = 1
export const HAIR = 2
export const CLOTH = 3

/** Width and height of a portrait in pixels, and the column that it is drawn about. */
export const SIZE = 64
export const MIDDLE = SIZE / 2
