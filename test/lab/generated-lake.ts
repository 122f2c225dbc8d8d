import { ObjectList, type ObjectInfo } from '../../lib/store/object-list.js'
import type { ReadableStore } from '../../lib/store/object-store.js'

/** The number of records of a page. */
const PAGE = 500
const FIRST_NAMES = ['Ann', 'Bob', 'Cyd', 'Dan', 'Eve', 'Fay', 'Gus', 'Hal']
const LAST_NAMES = 2000
const DAY_MS = 86_400_000
/** The days of 80 years. */
const BIRTHDAYS = 29_220
/** It has no common divisor with BIRTHDAYS, so that the birthdays of any 29,220 successive records differ. */
const BIRTHDAY_STEP = 7919
const MODIFIED = Date.parse('2025-06-15T12:00:00Z')

/**
 * A lake of any size that needs no memory: its listing and files are computed when they are read. Every record has an info file, and every second one an
 * image. Births are spread over 80 years, and there are 2,000 last names.
 */
export class GeneratedLake implements ReadableStore {
  readonly usefulDownloads = 64
  readonly prefix = 'in/'
  readonly records: number
  /** The revision of each info file that has changed. */
  readonly #revisions = new Map<number, number>()

  constructor (records: number) {
    this.records = records
  }

  idAt (record: number): string {
    return String(record).padStart(9, '0')
  }

  /** Changes this many info files, spread over the lake. */
  change (count: number): void {
    for (let i = 0; i < count; i++) {
      const record = Math.floor(i * this.records / count)
      this.#revisions.set(record, this.#revisionOf(record) + 1)
    }
  }

  async * list (): AsyncGenerator<ObjectList> {
    for (let first = 0; first < this.records; first += PAGE) {
      const page = new ObjectList()
      for (let record = first; record < Math.min(this.records, first + PAGE); record++) {
        page.push(this.#infoOf(record))
        if (record % 2 === 0) page.push({ key: `${this.prefix}${this.idAt(record)}.png`, etag: etagOf(record, 'a'), size: 10_000, lastModified: MODIFIED })
      }
      yield page
    }
  }

  async get (key: string): Promise<ObjectInfo & { readonly body: Buffer }> {
    const record = parseInt(key.slice(this.prefix.length), 10)
    return { ...this.#infoOf(record), body: this.#bodyOf(record) }
  }

  async head (): Promise<undefined> {}

  #infoOf (record: number): ObjectInfo {
    return { key: `${this.prefix}${this.idAt(record)}.csv`, etag: etagOf(record, `${this.#revisionOf(record)}`), size: this.#bodyOf(record).length, lastModified: MODIFIED }
  }

  #bodyOf (record: number): Buffer {
    const revision = this.#revisionOf(record)
    const lastName = `Number ${record % LAST_NAMES}${revision === 0 ? '' : ` revised ${revision}`}`
    const birthts = (record * BIRTHDAY_STEP % BIRTHDAYS - BIRTHDAYS / 2) * DAY_MS
    return Buffer.from(`first_name,last_name,birthts\n${FIRST_NAMES[record % FIRST_NAMES.length]},${lastName},${birthts}\n`)
  }

  #revisionOf (record: number): number {
    return this.#revisions.get(record) ?? 0
  }
}

/** 32 hexadecimal digits, as the ETags of S3 have them. */
function etagOf (record: number, last: string): string {
  return record.toString(16).padStart(24, '0') + last.padStart(8, '0')
}
