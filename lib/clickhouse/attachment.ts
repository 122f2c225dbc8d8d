import type { ObjectInfo } from '../store/object-list.js'
import { from, type EngineRecords } from './records.js'
import { identifier, sql, text } from './sql.js'
import { imageColumns, valueColumn } from './tables.js'

/** Returns the attachment of a record in an image field; `undefined` if the record has no such attachment, or does not exist. */
export async function findAttachment (records: EngineRecords, key: string, name: string): Promise<ObjectInfo | undefined> {
  const field = records.fields.find((field) => field.name === name && field.source === 'image')
  if (field === undefined) return undefined
  const { etag, size, modified } = imageColumns(field)
  const object = identifier(valueColumn(field))
  const [row] = await records.connection.query<[key: string, etag: string, size: number, lastModified: number]>(sql`
    SELECT ${object}, ${identifier(etag)}, ${identifier(size)}, ${identifier(modified)} ${from(records, {}, sql`key = ${text(key)}`, sql`isNotNull(${object})`)}`)
  return row && { key: row[0], etag: row[1], size: row[2], lastModified: row[3] }
}
