import t from 'tap'
import { personAt } from '../../../scripts/sample-data/person.js'

const people = Array.from({ length: 20_000 }, (_, i) => personAt(1, i))
const moscow = new Intl.DateTimeFormat('sv', { timeZone: 'Europe/Moscow', dateStyle: 'short', timeStyle: 'medium' })

t.test('ids are distinct, from 1001 on; one of them is a name', async t => {
  t.equal(new Set(people.map(({ id }) => id)).size, people.length)
  t.equal(people[0]!.id, '1001')
  t.same(people.filter(({ id }) => !/^\d+$/.test(id)).map(({ id }) => id), ['wren.ashgrove'])
})

t.test('birth timestamps are the first instants of days in Moscow, 1935 to 2015', async t => {
  const wrong = people.map(({ birthts }) => moscow.format(birthts)).filter(written => {
    const [date, time] = written.split(' ') as [string, string]
    // On these days the clocks were set forward from midnight to one o'clock.
    const expected = /^198[1-4]-04-01$/.test(date) ? '01:00:00' : '00:00:00'
    return time !== expected || date < '1935' || date >= '2016'
  })
  t.same(wrong, [])
})

t.test('the first ten users include the difficult cases for parsers', async t => {
  const first = people.slice(0, 10)
  const names = first.map(({ firstName, lastName }) => `${firstName}|${lastName}`).join('\n')
  for (const part of ['"', "'", ',', '𠮷']) t.match(names, part)
  t.ok(first.some(({ lastName }) => lastName === ''))
  t.ok(first.some(({ birthts }) => birthts < 0))
  t.ok(first.some(({ birthts }) => moscow.format(birthts).includes('-02-29')))
})

t.test('names are in many scripts, without leading or trailing spaces', async t => {
  const names = people.flatMap(({ firstName, lastName }) => [firstName, lastName])
  const scripts = ['Latin', 'Cyrillic', 'Greek', 'Arabic', 'Hebrew', 'Devanagari', 'Bengali', 'Tamil', 'Thai', 'Han',
    'Hiragana', 'Katakana', 'Hangul', 'Ethiopic', 'Georgian', 'Armenian']
  for (const script of scripts) t.ok(names.some(name => new RegExp(`\\p{Script=${script}}`, 'u').test(name)), script)
  t.ok(names.every(name => name === name.trim()))
})

t.test('a person depends on the seed and the index only', async t => {
  t.same(personAt(1, 12_345), people[12_345])
  t.notSame(personAt(2, 12_345), people[12_345])
})
