import { DAY_MS, MINUTE_MS } from '../base/instant.js'

/** The directives that a pattern can contain, and the text that each of them matches, as in Python's strptime in the C locale. */
const DIRECTIVES: Readonly<Record<string, string>> = {
  Y: '\\d{4}',
  y: '\\d{2}',
  m: '\\d{1,2}',
  d: '\\d{1,2}',
  j: '\\d{1,3}',
  b: '[A-Za-z]{3}',
  B: '[A-Za-z]{3,9}',
  H: '\\d{1,2}',
  M: '\\d{1,2}',
  S: '\\d{1,2}',
  f: '\\d{1,6}',
  z: 'Z|[+-]\\d{2}:?\\d{2}'
}

const MONTHS = ['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october', 'november', 'december']
/** Two-digit years from 69 to 99 are 1969 to 1999, and those from 00 to 68 are 2000 to 2068, as in POSIX's strptime. */
const FIRST_YEAR_OF_1900S = 69

type Parts = Readonly<Record<string, string | undefined>>

/**
 * Returns what is wrong with a pattern such as `%d/%m/%Y`, as the end of a message; `undefined` if nothing is. A pattern must
 * name a year and either a month and a day or a day of the year, each directive once.
 */
export function findPatternMistake (pattern: string): string | undefined {
  const names = [...pattern.matchAll(/%(.?)/gs)].map(([, name]) => name!).filter((name) => name !== '%')
  const unknown = names.find((name) => !(name in DIRECTIVES))
  if (unknown !== undefined) return `has %${unknown}, which is not supported; use ${Object.keys(DIRECTIVES).map((name) => `%${name}`).join(' ')}`
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) return `has %${twice} twice`
  const has = (...anyOf: string[]) => anyOf.some((name) => names.includes(name))
  if (!has('Y', 'y')) return 'has no year (%Y or %y)'
  if (!has('j') && !(has('m', 'b', 'B') && has('d'))) return 'has no month and day (%m, %b or %B with %d, or %j)'
  return undefined
}

/**
 * Returns a function that parses a text with the pattern to milliseconds since 1970-01-01 UTC, or `undefined` if the text
 * does not match or names a date that does not exist. Without `%z` the text is UTC. Years are 1 to 9999. `isLocal`: as if the offset
 * of the text were zero, so that the date is the one that is written.
 */
export function patternReader (pattern: string, { isLocal = false } = {}): (text: string) => number | undefined {
  const regex = regexOf(pattern)
  return (text) => {
    const parts = regex.exec(text)?.groups
    return parts === undefined ? undefined : toInstant(parts, isLocal)
  }
}

/** Whether a text has the format of a date or datetime, by default that of ISO 8601, and names a day that does not exist, such as 2021-02-30. */
export function isImpossibleDay (text: string, format = 'default'): boolean {
  const parts = format === 'default' ? regexOf('%Y-%m-%d').exec(text.replace(/[T ].*$/s, ''))?.groups : regexOf(format).exec(text)?.groups
  return parts !== undefined && toDay(parts) === undefined
}

function regexOf (pattern: string): RegExp {
  const source = pattern.replace(/%(.)|[\\^$.*+?()[\]{}|/]/gs, (literal, name?: string) => {
    if (name === undefined) return `\\${literal}`
    return name === '%' ? '%' : `(?<${name}>${DIRECTIVES[name]!})`
  })
  return new RegExp(`^${source}$`, 'u')
}

function toInstant (parts: Parts, isLocal: boolean): number | undefined {
  const day = toDay(parts)
  const [hours, minutes, seconds] = [parts['H'], parts['M'], parts['S']].map((part) => Number(part ?? 0)) as [number, number, number]
  if (day === undefined || hours > 23 || minutes > 59 || seconds > 59) return undefined
  const ms = Math.floor(Number(`0.${parts['f'] ?? 0}`) * 1000)
  const offset = offsetOf(parts['z'])
  return offset === undefined ? undefined : day + ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms - (isLocal ? 0 : offset)
}

/** The beginning of the day, in milliseconds since 1970-01-01 UTC; `undefined` if there is no such day from the year 1 on. */
function toDay (parts: Parts): number | undefined {
  const year = parts['Y'] === undefined ? fullYear(Number(parts['y'])) : Number(parts['Y'])
  if (year === 0) return undefined
  return parts['j'] === undefined ? dayOf(year, monthOf(parts), Number(parts['d'])) : dayOfYear(year, Number(parts['j']))
}

function fullYear (year: number): number {
  return year < FIRST_YEAR_OF_1900S ? 2000 + year : 1900 + year
}

/** 1 to 12; NaN if it is not the name of a month. */
function monthOf ({ m: number, b: short, B: name }: Parts): number {
  if (number !== undefined) return Number(number)
  const wanted = (short ?? name)!.toLowerCase()
  const index = MONTHS.findIndex((month) => short === undefined ? month === wanted : month.startsWith(wanted))
  return index === -1 ? NaN : index + 1
}

/** The beginning of a day, in milliseconds since 1970-01-01 UTC; `undefined` if the month has no such day. */
function dayOf (year: number, month: number, day: number): number | undefined {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() : undefined
}

/** The beginning of a day of the year, from 1, in milliseconds since 1970-01-01 UTC; `undefined` if the year has no such day. */
function dayOfYear (year: number, day: number): number | undefined {
  const first = dayOf(year, 1, 1)!
  const date = first + (day - 1) * DAY_MS
  return new Date(date).getUTCFullYear() === year ? date : undefined
}

/** `+05:30`, `-0800` or `Z` in milliseconds; 0 without a text; `undefined` if it is more than 14 hours or has more than 59 minutes. */
function offsetOf (text: string | undefined): number | undefined {
  if (text === undefined || text === 'Z') return 0
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(text)!
  const total = Number(hours) * 60 + Number(minutes)
  if (total > 14 * 60 || Number(minutes) > 59) return undefined
  return (sign === '-' ? -total : total) * MINUTE_MS
}
