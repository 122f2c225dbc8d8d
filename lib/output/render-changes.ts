import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { Pace } from '../base/paced.js'
import type { DataVersion, SelectQuery } from '../query/data-version.js'
import type { Cell } from '../schema/record.js'
import { keyNameOf } from '../table/table-field.js'
import { render } from './render.js'

/** Which records were touched after a position, or a page of them. Positions and touched records: see change-log.ts. */
export interface Changes {
  /** The position. */
  readonly since: string
  /** The data version that the records are of. */
  readonly version: DataVersion
  /** The position after these changes; `null` if more of them follow on another page. */
  readonly next: string | null
  /** The keys of the records that were touched, in ascending order of their bytes. */
  readonly keys: readonly string[]
}

/** The number of keys whose records are selected in one step, which takes about a millisecond. */
const PIECE_KEYS = 1000

/** One JSON object in pieces: the changed records as they are now, and the keys of the removed ones. Each piece is made by `run`, which decides when. */
export async function * changesAsJson (changes: Changes, columns: readonly string[] | undefined, run: Pace): AsyncGenerator<string> {
  const { since, version: { version }, next } = changes
  const removed: string[] = []
  let separator = ''
  yield `{"since":${JSON.stringify(since)},"version":${JSON.stringify(version)},"next":${JSON.stringify(next)},"changed":[`
  for await (const piece of pieces(changes, columns, run)) {
    removed.push(...piece.removed)
    if (piece.records.length === 0) continue
    yield separator + piece.records.join(',')
    separator = ','
  }
  yield `],"removed":${JSON.stringify(removed)}}`
}

/** The same as NDJSON. The last line has the version, unless more changes follow on another page. */
export async function * changesAsLines (changes: Changes, columns: readonly string[] | undefined, run: Pace): AsyncGenerator<string> {
  for await (const { records, removed } of pieces(changes, columns, run)) {
    yield [...records.map((record) => `{"op":"upsert","record":${record}}\n`), ...removed.map((key) => `{"op":"remove","key":${JSON.stringify(key)}}\n`)].join('')
  }
  if (changes.next !== null) yield `{"op":"version","version":${JSON.stringify(changes.next)}}\n`
}

interface Piece {
  /** Each as a JSON object. */
  readonly records: readonly string[]
  readonly removed: readonly string[]
}

async function * pieces ({ version, keys }: Changes, columns: readonly string[] | undefined, run: Pace): AsyncGenerator<Piece> {
  const key = keyNameOf(version.fields)
  for (let start = 0; start < keys.length; start += PIECE_KEYS) {
    const some = keys.slice(start, start + PIECE_KEYS)
    const filters: SelectQuery['filters'] = [{ column: key, op: 'equals', value: some }]
    yield await run(async () => {
      const found = new Set<Cell>()
      for await (const rows of (await version.select({ filters, columns: [key] })).batches()) for (const [cell] of rows) found.add(cell!)
      const text = render(await version.select({ filters, columns }), 'ndjson')
      const lines = Buffer.isBuffer(text) ? text : await buffer(Readable.from(text))
      return { records: lines.toString().split('\n').slice(0, -1), removed: some.filter((key) => !found.has(key)) }
    })
  }
}
