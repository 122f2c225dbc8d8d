const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Parses a duration such as 500ms, 2s, 5m, 1h or 7d, of at most nine digits, to milliseconds. Returns `undefined` if the text is not a duration. */
export function parseDuration (text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? []
  return unit === undefined ? undefined : Number(amount) * UNITS[unit]!
}
