import { readFileSync } from 'node:fs'
import t from 'tap'
import { SECTIONS } from './rows.js'
import { toMarkdown } from './table.js'

const rows = SECTIONS.flatMap((section) => section.rows)

t.test('each fault has tests, which exist, or a reason why it has none', async (t) => {
  for (const row of rows) {
    if ('skipped' in row) t.ok(row.skipped.length > 10, row.fault)
    else t.ok(row.tests.length > 0, row.fault)
    for (const [file, name] of 'tests' in row ? row.tests : []) t.ok(readFileSync(file, 'utf8').includes(`'${name}'`), `${file}: ${name}`)
  }
})

t.test('each fault is described once, in a sentence that fits a table', async (t) => {
  t.equal(new Set(rows.map(({ fault }) => fault)).size, rows.length)
  for (const { fault, guarantee } of rows) {
    t.match(guarantee, /^[A-Z0-9`].*\.$/, fault)
    t.notMatch(fault + guarantee, /[|\n]/, fault)
  }
})

t.test('docs/faults.md is what `npm run faults` writes if all tests pass', async (t) => {
  t.equal(readFileSync('docs/faults.md', 'utf8'), toMarkdown(() => 'passed'))
})
