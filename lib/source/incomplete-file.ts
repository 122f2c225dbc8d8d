import type { InfoFormat } from '../base/info-formats.js'

const LINE_ENDS: readonly (number | undefined)[] = [0x0a, 0x0d]

/** Whether a file whose writer may still be at work looks cut off: lines of text without a line end after the last one. */
export function isCutOff (body: Uint8Array, format: InfoFormat): boolean {
  if (format !== 'csv' && format !== 'tsv') return false
  // The last byte of little-endian UTF-16 is the second one of its line end.
  return !LINE_ENDS.includes(body.at(-1) === 0 ? body.at(-2) : body.at(-1))
}
