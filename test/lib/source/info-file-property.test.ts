import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { compileSchema } from '../../../lib/schema/schema.js'
import { USERS_SCHEMA } from '../../../lib/schema/users-schema.js'
import { parseInfoFile } from '../../../lib/source/info-file.js'
import { runs } from '../../support/property-runs.js'

const cell = fc.array(fc.constantFrom('a', 'B', ' ', '\t', '\f', '\v', '\u00a0', '\ufeff', ';', ',', '0', '5', '-', '#', '\'', '\0', 'é', '😀'), { maxLength: 6 }).map((units) => units.join(''))
const number = fc.oneof(fc.integer().map(String), fc.integer().map((n) => ` ${n}\u00a0`))
const header = fc.constantFrom('first_name', ' last_name ', 'birthts', 'last_name', '\u00a0birthts', 'city', ' city', 'user_id', '')
const lineEnd = fc.constantFrom('\n', '\r\n', '\r', '\n\n', '')

t.test('the fast path returns the same fields as the parser', async () => {
  const file = fc.record({
    names: fc.oneof(fc.constant<string[]>(['first_name', 'last_name', 'birthts']), fc.constant<string[]>(['birthts', 'city', 'last_name', ' first_name']), fc.array<string>(header, { maxLength: 6 })),
    cells: fc.oneof(fc.tuple(cell, cell, number), fc.tuple(number, cell, cell, cell), fc.array(fc.oneof(cell, number), { maxLength: 6 })),
    delimiter: fc.constantFrom(',', ';', '\t', ', ', ' '),
    ends: fc.tuple(lineEnd, lineEnd)
  })
  const schema = compileSchema(USERS_SCHEMA)
  let good = 0
  fc.assert(fc.property(file, ({ names, cells, delimiter, ends: [first, last] }) => {
    const text = (names: readonly string[]) => Buffer.from(names.join(delimiter) + first + cells.join(delimiter) + last)
    const options = { format: 'csv', delimiter, encoding: 'utf-8', schema, id: 'a' } as const
    const unquoted = parseInfoFile(text(names), options)
    // A file with a quoted name is read by the parser instead of the fast path; the result must be the same.
    const quoted = parseInfoFile(text(names.map((name, i) => i === 0 && name.trim() === name && name !== '' ? `"${name}"` : name)), options)
    assert.deepEqual(unquoted.data, quoted.data)
    if (unquoted.rejection?.code === 'invalid_value') assert.deepEqual(unquoted, quoted)
    if (unquoted.data !== undefined) good++
  }), runs(5000))
  t.ok(good > runs(500).numRuns, `${good} files were good`)
})
