import type { InfoFormat } from '../base/info-formats.js'

const LINE_ENDS: readonly (number | undefined)[] = [0x0a, 0x0d]

/** Whether a file that its writer may not have finished looks incomplete: a file of lines that has no line end after the last one. */
export function isCutOff (body: Uint8Array, format: InfoFormat): boolean {
  if (format !== 'csv' && format !== 'tsv') return false
  // The last byte of little-endian UTF-16 is the second one of its line end.
  return !LINE_ENDS.includes(body.at(-1) === 0 ? body.at(-2) : body.at(-1))
}
