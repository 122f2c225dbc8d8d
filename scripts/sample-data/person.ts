import { languages } from './names.js'
import { between, pick, randomOf } from './random.js'

/** One made-up user. */
export interface Person {
  readonly id: string
  readonly firstName: string
  readonly lastName: string
  /** Milliseconds since 1970-01-01 UTC: a local midnight, as in data whose dates were read in a time zone. */
  readonly birthts: number
}

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const FIRST_ID = 1001
const FIRST_BIRTHDAY = Date.UTC(1935, 0, 1) / DAY_MS
const LAST_BIRTHDAY = Date.UTC(2015, 11, 31) / DAY_MS
const moscowDate = new Intl.DateTimeFormat('en', { timeZone: 'Europe/Moscow', day: 'numeric' })

/** People by index who show, in a lake of ten users already, what chance might leave out. */
const characters: Readonly<Record<number, Partial<Person>>> = {
  2: { firstName: 'Róisín', lastName: "O'Dunmore" },
  3: { firstName: 'Augustus "Gus"', lastName: 'Pell, Jr.' },
  5: { firstName: '𠮷乃', lastName: '' },
  7: { birthts: localMidnight(Date.UTC(1988, 1, 29) / DAY_MS) },
  8: { birthts: localMidnight(Date.UTC(1941, 5, 21) / DAY_MS) },
  9: { id: 'wren.ashgrove', firstName: 'Wren', lastName: 'Ashgrove' }
}

/** The user at `index`, from 0; the same for the same seed, however many others there are. */
export function personAt (seed: number, index: number): Person {
  const random = randomOf(seed, index)
  const { first, last } = pick(random, languages)
  return {
    id: String(FIRST_ID + index),
    firstName: pick(random, first),
    lastName: pick(random, last),
    birthts: localMidnight(between(random, FIRST_BIRTHDAY, LAST_BIRTHDAY)),
    ...characters[index]
  }
}

/**
 * The first instant in Moscow of the day with this number, counted from 1970-01-01. Moscow has been two, three and four
 * hours ahead of UTC: the first of the three that is in the day begins it, even where the clocks went on at midnight.
 */
function localMidnight (day: number): number {
  const dayOfMonth = String(new Date(day * DAY_MS).getUTCDate())
  const candidates = [4, 3, 2].map(hours => day * DAY_MS - hours * HOUR_MS)
  return candidates.find(time => moscowDate.format(time) === dayOfMonth)!
}
