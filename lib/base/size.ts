const UNITS: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

/** Parses a size in KiB, MiB or GiB, such as 512MiB, of at most six digits, to bytes. Returns `undefined` if the text is not a size. */
export function parseSize (text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,6})(KiB|MiB|GiB)$/.exec(text) ?? []
  return unit === undefined ? undefined : Number(amount) * UNITS[unit]!
}
