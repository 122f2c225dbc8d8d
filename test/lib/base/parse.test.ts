import t from 'tap'
import { parseDuration } from '../../../lib/base/duration.js'
import { parseInstant, wholeMinute } from '../../../lib/base/instant.js'
import { parseSize } from '../../../lib/base/size.js'

t.test('parseDuration accepts a number and a unit', async (t) => {
  const table: [string, number | undefined][] = [
    ['0s', 0], ['500ms', 500], ['2s', 2000], ['5m', 300_000], ['1h', 3_600_000], ['7d', 604_800_000],
    ['', undefined], ['5', undefined], ['-5s', undefined], ['1.5s', undefined], ['5 m', undefined], ['5M', undefined], ['1h30m', undefined]
  ]
  for (const [text, ms] of table) t.equal(parseDuration(text), ms, text)
})

t.test('parseSize accepts a number and a unit', async (t) => {
  const table: [string, number | undefined][] = [['0KiB', 0], ['512MiB', 536_870_912], ['2GiB', 2_147_483_648], ['', undefined], ['5', undefined], ['5MB', undefined], ['1.5GiB', undefined], ['-1KiB', undefined]]
  for (const [text, bytes] of table) t.equal(parseSize(text), bytes, text)
})

t.test('parseInstant accepts RFC 3339 timestamps, also with an offset without a colon, and no other times', async (t) => {
  const table: [string, string | undefined][] = [
    ['2025-06-01T00:00:00Z', '2025-06-01T00:00:00.000Z'],
    ['2025-06-01t00:00:00z', '2025-06-01T00:00:00.000Z'],
    ['2025-06-01T00:00:00.1Z', '2025-06-01T00:00:00.100Z'],
    ['2025-06-01T00:00:00.999999Z', '2025-06-01T00:00:00.999Z'],
    ['2025-06-01T03:00:00+03:00', '2025-06-01T00:00:00.000Z'],
    ['2025-06-01T03:00:00 03:00', '2025-06-01T00:00:00.000Z'], // an unencoded + in a query is a space
    ['2025-05-31T19:30:00-04:30', '2025-06-01T00:00:00.000Z'],
    ['2025-06-01T05:30:00.000000+0530', '2025-06-01T00:00:00.000Z'],
    ['2025-06-01T00:00:00+0160', undefined],
    ['2025-06-01T00:00:00+01', undefined],
    ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000Z'],
    ['2024-02-29T12:00:00Z', '2024-02-29T12:00:00.000Z'],
    ['9999-12-31T23:59:59-23:59', undefined],
    ['0000-01-01T00:00:00+23:59', undefined],
    ['2025-02-29T12:00:00Z', undefined],
    ['2025-06-01T24:00:00Z', undefined],
    ['2025-06-01T23:59:60Z', undefined],
    ['2025-06-01T00:00:00+24:00', undefined],
    ['2025-06-01T00:00:00+01:60', undefined],
    ['2025-06-01T00:00:00', undefined],
    ['2025-06-01', undefined],
    ['2025-06-01 00:00:00Z', undefined],
    ['1748736000000', undefined],
    ['now', undefined]
  ]
  for (const [text, iso] of table) t.equal(parseInstant(text), iso === undefined ? undefined : Date.parse(iso), text)
  t.equal(wholeMinute(Date.parse('2025-06-01T12:34:56.789Z')), Date.parse('2025-06-01T12:34:00Z'))
  t.equal(wholeMinute(-1), -60_000)
})
