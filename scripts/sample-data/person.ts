import { DAY_MS } from '../../lib/base/instant.js'
import { languages } from './names.js'
import { between, pick, randomOf } from './random.js'

/** One invented user. */
export interface Person {
  readonly id: string
  readonly firstName: string
  readonly lastName: string
  /** Milliseconds since 1970-01-01 UTC: midnight in Moscow, as in data whose dates were converted in a local time zone. */
  readonly birthts: number
}

const HOUR_MS = 3_600_000
const FIRST_ID = 1001
const FIRST_BIRTHDAY = Date.UTC(1935, 0, 1) / DAY_MS
const LAST_BIRTHDAY = Date.UTC(2015, 11, 31) / DAY_MS
const moscowDate = new Intl.DateTimeFormat('en', { timeZone: 'Europe/Moscow', day: 'numeric' })

/** Users with fixed properties, by index. They ensure that even a small lake has the names, birthdays and ids that are hard to process. */
const fixedUsers: Readonly<Record<number, Partial<Person>>> = {
  2: { firstName: 'Róisín', lastName: "O'Dunmore" },
  3: { firstName: 'Augustus "Gus"', lastName: 'Pell, Jr.' },
  5: { firstName: '𠮷乃', lastName: '' },
  7: { birthts: localMidnight(Date.UTC(1988, 1, 29) / DAY_MS) },
  8: { birthts: localMidnight(Date.UTC(1941, 5, 21) / DAY_MS) },
  9: { id: 'wren.ashgrove', firstName: 'Wren', lastName: 'Ashgrove' }
}

/** The user at `index`, from 0. It depends on the seed and the index only. */
export function personAt (seed: number, index: number): Person {
  const random = randomOf(seed, index)
  const { first, last } = pick(random, languages)
  return {
    id: String(FIRST_ID + index),
    firstName: pick(random, first),
    lastName: pick(random, last),
    birthts: localMidnight(between(random, FIRST_BIRTHDAY, LAST_BIRTHDAY)),
    ...fixedUsers[index]
  }
}

/**
 * The first instant of a day in Moscow, in milliseconds since 1970-01-01 UTC. `day` is days since 1970-01-01. Moscow has been two, three and
 * four hours ahead of UTC. The earliest of the three candidates that is on this day is the first instant, even if the clocks were set forward at
 * midnight.
 */
function localMidnight (day: number): number {
  const dayOfMonth = String(new Date(day * DAY_MS).getUTCDate())
  const candidates = [4, 3, 2].map(hours => day * DAY_MS - hours * HOUR_MS)
  return candidates.find(time => moscowDate.format(time) === dayOfMonth)!
}
