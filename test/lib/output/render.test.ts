import { Readable } from 'node:stream'
import { text as textOf } from 'node:stream/consumers'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import t from 'tap'
import { render, type CsvOptions, type Format } from '../../../lib/output/render.js'
import type { Cell } from '../../../lib/schema/record.js'
import { runs } from '../../support/property-runs.js'

async function text (format: Format, columns: string[], rows: Cell[][], options?: CsvOptions) {
  const batches = async function * () { for (let i = 0; i < rows.length; i += 2) yield rows.slice(i, i + 2) }
  const text = render({ columns, count: rows.length, next: undefined, batches, countAmong: () => 0 }, format, options)
  return Buffer.isBuffer(text) ? text.toString() : await textOf(Readable.from(text))
}

const COLUMNS = ['user_id', 'first_name', 'birthts', 'img_path']

t.test('JSON is an array of objects whose members are in the order of the columns', async (t) => {
  t.equal(await text('json', COLUMNS, []), '[]')
  t.equal(await text('json', COLUMNS, [['1', 'A "x"\n', -5, null]]), '[{"user_id":"1","first_name":"A \\"x\\"\\n","birthts":-5,"img_path":null}]')
  t.equal(await text('json', ['b', '7', '__proto__'], [['x', 'y', 'z'], [null, null, null], ['', '', '']]),
    '[{"b":"x","7":"y","__proto__":"z"},{"b":null,"7":null,"__proto__":null},{"b":"","7":"","__proto__":""}]', 'columns keep their order')
})

t.test('NDJSON has one line for each record, and is empty without records', async (t) => {
  t.equal(await text('ndjson', COLUMNS, []), '')
  t.equal(await text('ndjson', ['a'], [[1], ['x'], [null]]), '{"a":1}\n{"a":"x"}\n{"a":null}\n')
})

t.test('CSV has a header, CRLF, quotes where they are needed, and escaped formulas only on request', async (t) => {
  t.equal(await text('csv', COLUMNS, []), 'user_id,first_name,birthts,img_path\r\n')
  t.equal(await text('csv', COLUMNS, [['0012', 'O, Neil', -5, null], ['2', 'say "x"', 0, 'p.png'], ['3', 'a\nb', 1, ''], ['4', ' a ', 2, 'c\rd']]),
    'user_id,first_name,birthts,img_path\r\n0012,"O, Neil",-5,\r\n2,"say ""x""",0,p.png\r\n3,"a\nb",1,\r\n4," a ",2,"c\rd"\r\n')
  t.equal(await text('csv', ['a', 'b'], [['x', null], ['', 'c, d']], { delimiter: ', ', emptyValue: 'ø' }), 'a, b\r\nx, ø\r\n, "c, d"\r\n')
  t.equal(await text('csv', ['a'], [['x'], [null], ['']]), 'a\r\nx\r\n""\r\n""\r\n', 'an empty cell is quoted if it is the only one, because an empty line is not a row')
  t.equal(await text('csv', ['a', 'b'], [['=1+1', -5], ['@x', 'y']], { escapeFormulas: true }), "a,b\r\n'=1+1,-5\r\n'@x,y\r\n")
  t.equal(await text('csv', ['=a', 'b'], [['=1', 'y']]), '=a,b\r\n=1,y\r\n', 'off by default')
})

t.test('a CSV parser reads back what was written', async () => {
  const cell = fc.string({ unit: fc.constantFrom('a', ',', ';', '"', '\n', '\r', ' ', '\t', 'é', '😀', '\'', '=') })
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(cell, cell, cell), { maxLength: 5 }), fc.constantFrom(',', ';', '\t', ', ', '||'), async (rows, delimiter) => {
    const columns = ['a', 'b', 'c']
    const back = parse(await text('csv', columns, rows, { delimiter }), { delimiter, record_delimiter: '\r\n' })
    return JSON.stringify(back) === JSON.stringify([columns, ...rows])
  }), runs(100))
})
