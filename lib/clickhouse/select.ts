import { countOf } from '../base/count-of.js'
import { EngineError } from '../base/errors.js'
import { isAge } from '../query/age-column.js'
import type { FilterQuery, Position, SelectQuery, Selection, TextShape } from '../query/data-version.js'
import { beginningOf, mayBeCut } from '../query/positions.js'
import type { Value } from '../schema/field-type.js'
import type { Cell } from '../schema/record.js'
import { toCell } from '../table/cell.js'
import { textsOf, Utf8Reader, type Utf8Column } from '../table/utf8-column.js'
import { engineColumn } from './columns.js'
import { compileSort, type EngineOrder } from './compile-sort.js'
import { from, type EngineRecords } from './records.js'
import { chunksOf, isOneOf, join, number, raw, sql, text, type Sql } from './sql.js'

/** The values of a record: its key, those of the columns of the order, and those that its cells are made of. */
type Values = readonly [key: string, ...values: Value[]]

/** How the cells of the selected columns are read. */
interface Shape {
  /** Whether they are the declared columns, of which the tables have the JSON. */
  readonly isJson: boolean
  readonly expressions: readonly Sql[]
  /** @param values the values of the expressions */
  readonly cellsOf: (values: readonly Value[]) => readonly Cell[]
}

/** The maximum number of cells of a batch, so that it takes some milliseconds. */
const BATCH_CELLS = 8000

/** Runs a query. A page with a limit has been read when the promise resolves; without a limit, rows are read when `batches` or `text` is consumed. @param count the number of records that match */
export async function select (records: EngineRecords, query: SelectQuery, count: Promise<number>): Promise<Selection> {
  const { columns = declared(records), sort = [], page, asOf, signal, timeoutMs } = query
  const order = compileSort(sort, records, asOf)
  const shape = shapeOf(records, columns, asOf)
  const after = page?.after === undefined ? [] : [order.after(await withWholeTexts(records, page.after, order, signal))]
  const selected = (expressions: readonly Sql[]) => sql`SELECT ${join(expressions, ', ')} ${from(records, query, ...after)} ORDER BY ${order.orderBy}`
  if (page?.limit !== undefined) {
    const limit = page.limit
    // One row more than the page has shows whether another page follows.
    const found = records.connection.query<Values>(sql`${selected([raw('key'), ...order.columns.map(({ value }) => value), ...shape.expressions])} LIMIT ${number(limit + 1)}`, signal)
    const [rows, total] = await Promise.all([found, count])
    return pageOf(rows, limit, total, columns, order, shape)
  }
  const total = await count
  const expected = after.length === 0 ? total : undefined
  return {
    columns,
    count: total,
    next: undefined,
    batches: () => batches(counted(records.connection.stream<Value[]>(selected(shape.expressions), { signal, timeoutMs }), expected), shape, columns.length),
    countAmong: (ids) => countAmong(records, query, after, ids),
    text: ({ format }) => format === 'csv' || !shape.isJson ? undefined : jsonText(counted(records.connection.objects(selected([raw('json')]), { signal, timeoutMs }), expected), format)
  }
}

/** The number of records that match. */
export async function countRecords (records: EngineRecords, query: FilterQuery): Promise<number> {
  const [row] = await records.connection.query<[number]>(sql`SELECT count() ${from(records, query)}`, query.signal)
  return row![0]
}

function declared ({ fields }: EngineRecords): string[] {
  return fields.map(({ name }) => name)
}

function shapeOf (records: EngineRecords, columns: readonly string[], asOf: number | undefined): Shape {
  const names = declared(records)
  if (columns.length === names.length && columns.every((column, i) => column === names[i])) {
    return { isJson: true, expressions: [raw('json')], cellsOf: ([json]) => cellsOfJson(String(json), columns) }
  }
  // Without an instant, such as in outputs, the records have no virtual column.
  const used = columns.map((name) => asOf === undefined && isAge(records, name) ? undefined : engineColumn(records, name, asOf))
  return {
    isJson: false,
    expressions: used.map((column) => column?.value ?? raw('NULL')),
    cellsOf: (values) => used.map((column, i) => column === undefined ? null : toCell(column.type, values[i]!))
  }
}

function cellsOfJson (json: string, columns: readonly string[]): Cell[] {
  const record = JSON.parse(json) as Record<string, Cell>
  return columns.map((column) => record[column]!)
}

function pageOf (found: readonly Values[], limit: number, count: number, columns: readonly string[], order: EngineOrder, shape: Shape): Selection {
  const rows = found.slice(0, limit)
  const cellsStart = 1 + order.columns.length
  const last = rows.at(-1)
  const next: Position | undefined = found.length > limit && last !== undefined ? { id: last[0], values: last.slice(1, cellsStart).map(beginningOf) } : undefined
  return {
    columns,
    count,
    next,
    batches: async function * () {
      for (const some of slices(rows, columns.length)) yield some.map((row) => shape.cellsOf(row.slice(cellsStart)))
    },
    countAmong: (ids) => {
      const reader = new Utf8Reader(ids)
      return rows.filter(([key]) => reader.find(key) !== -1).length
    },
    text: ({ format }: TextShape) => {
      if (format === 'csv' || !shape.isJson) return undefined
      const objects = rows.map((row) => String(row.at(-1)))
      return Buffer.from(format === 'json' ? `[${objects.join(',')}]` : objects.map((object) => `${object}\n`).join(''))
    }
  }
}

/**
 * Passes rows through.
 *
 * @param count their number, if it is known: an engine that returns fewer has failed
 */
async function * counted<T> (chunks: AsyncIterable<readonly T[]>, count: number | undefined): AsyncGenerator<readonly T[], void> {
  let read = 0
  for await (const rows of chunks) {
    read += rows.length
    yield rows
  }
  if (count !== undefined && read !== count) throw new EngineError('engine_incomplete', `The engine returned ${read} of ${countOf(count, 'record')}`)
}

async function * batches (chunks: AsyncIterable<readonly Value[][]>, shape: Shape, columns: number): AsyncGenerator<(readonly Cell[])[]> {
  for await (const rows of chunks) {
    for (const some of slices(rows, columns)) yield some.map(shape.cellsOf)
  }
}

function * slices<T> (rows: readonly T[], columns: number): Generator<readonly T[]> {
  const length = Math.ceil(BATCH_CELLS / Math.max(1, columns))
  for (let start = 0; start < rows.length; start += length) yield rows.slice(start, start + length)
}

/** The JSON of the records, as it was written when they were stored. */
async function * jsonText (chunks: AsyncIterable<readonly string[]>, format: 'json' | 'ndjson'): AsyncGenerator<string, void> {
  let separator = '['
  for await (const objects of chunks) {
    if (objects.length === 0) continue
    yield format === 'json' ? separator + objects.join(',') : objects.join('\n') + '\n'
    separator = ','
  }
  if (format === 'json') yield separator === '[' ? '[]' : ']'
}

/** The position with the whole texts of its record, if that still exists, in place of their beginnings. */
async function withWholeTexts (records: EngineRecords, position: Position, { columns }: EngineOrder, signal: AbortSignal | undefined): Promise<Position> {
  if (!position.values.some(mayBeCut)) return position
  const [row] = await records.connection.query<Value[]>(sql`SELECT ${join(columns.map(({ value }) => value), ', ')} ${from(records, {}, sql`key = ${text(position.id)}`)}`, signal)
  if (row === undefined) return position
  return { id: position.id, values: position.values.map((value, i) => beginningOf(row[i]!) === value ? row[i]! : value) }
}

async function countAmong (records: EngineRecords, query: FilterQuery, conditions: readonly Sql[], ids: Utf8Column): Promise<number> {
  let count = 0
  for (const some of chunksOf(textsOf(ids), (key) => key.length)) {
    const [row] = await records.connection.query<[number]>(sql`SELECT count() ${from(records, query, ...conditions, isOneOf(raw('key'), some, 'String'))}`, query.signal)
    count += row![0]
  }
  return count
}
