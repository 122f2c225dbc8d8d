import { parse } from 'csv-parse/sync'
import { Temporal } from 'temporal-polyfill'

// A reference implementation of records, filters and statistics, as simple as possible, for well-formed files of users.

export interface ReferenceQuery {
  min?: number, max?: number, exact?: boolean, asOf: number, image?: boolean, ids?: string[], first?: string, where?: [string, string][]
}

export interface ReferenceShape { sort: string, format: 'json' | 'ndjson' | 'csv', columns?: string[], limit?: number }

/** The milliseconds of a year, as exact ages count it. */
export const YEAR = 365.25 * 86_400_000

/** @param files by key; info files are CSV, whatever their extension is @param modified when each object was last modified, in milliseconds since 1970-01-01 UTC */
export function referenceRecords (files: Record<string, string>, modified: Record<string, number>) {
  const names = Object.keys(files).map((key) => ({ key, base: key.split('/').at(-1)!, id: key.split('/').at(-1)!.replace(/\.(csv\.gz|[^.]*)$/i, '') }))
  const order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
  const infos = names.filter(({ base }) => /\.(csv|csv\.gz|tsv|json)$/i.test(base)).sort((a, b) => Buffer.byteLength(a.key) - Buffer.byteLength(b.key) || order(a.key, b.key))
  const images = names.filter(({ base }) => /\.(png|jpe?g|webp|gif)$/i.test(base)).sort((a, b) => modified[b.key]! - modified[a.key]! || order(b.key, a.key))
  const ids = [...new Set(infos.map(({ id }) => id))].sort(order)
  return ids.map((id) => {
    const [row] = parse(files[infos.find((info) => info.id === id)!.key]!, { columns: true, trim: true, bom: true }) as Record<string, string>[]
    return { ...row, user_id: id, birthts: Number(row!['birthts']), img_path: images.find((image) => image.id === id)?.key ?? null } as Record<string, any>
  })
}

export function age (birthts: number, { asOf, exact }: ReferenceQuery, zone: string): number {
  if (exact) return (asOf - birthts) / YEAR
  const day = (ms: number) => Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone).toPlainDate()
  const [from, to] = [day(birthts), day(asOf)]
  const before = to.month < from.month || (to.month === from.month && to.day < from.day)
  const years = to.year - from.year - (before ? 1 : 0)
  return birthts > asOf ? Math.min(years, -1) : years
}

export function referenceQuery (records: Record<string, any>[], query: ReferenceQuery, zone: string) {
  return records.filter((record) =>
    (query.image === undefined || (record['img_path'] !== null) === query.image) &&
    (query.min === undefined || age(record['birthts'], query, zone) >= query.min) &&
    (query.max === undefined || age(record['birthts'], query, zone) <= query.max) &&
    (query.ids === undefined || query.ids.includes(record['user_id'])) &&
    (query.first === undefined || (query.first.endsWith('*')
      ? record['first_name'].toUpperCase().startsWith(query.first.slice(0, -1).toUpperCase())
      : record['first_name'].toUpperCase() === query.first.toUpperCase())) &&
    (query.where ?? []).every(([column, value]) => record[column] !== undefined && record[column] !== null && String(record[column]) === value))
}

export function referenceStats (records: Record<string, any>[], asOf: number) {
  const ages = records.map((record) => (asOf - record['birthts']) / YEAR).sort((a, b) => a - b)
  const count = ages.length
  return {
    count,
    average_age: count === 0 ? -1 : ages.reduce((a, b) => a + b, 0) / count,
    median_age: count === 0 ? null : (ages[Math.floor((count - 1) / 2)]! + ages[Math.ceil((count - 1) / 2)]!) / 2,
    youngest_age: ages[0] ?? null,
    oldest_age: ages.at(-1) ?? null,
    with_image: records.filter((record) => record['img_path'] !== null).length
  }
}

/** The number of records of each age in completed years. */
export function referenceHistogram (records: Record<string, any>[], asOf: number, zone: string) {
  const ages = records.map((record) => age(record['birthts'], { asOf }, zone)).sort((a, b) => a - b)
  return [...new Set(ages)].map((years) => ({ min_age: years, max_age: years, count: ages.filter((other) => other === years).length }))
}

/** The body of each page: JSON or NDJSON text or, for CSV, the cells of the header and of the rows. */
export function referencePages (records: Record<string, any>[], { sort, format, columns = DECLARED, limit = Infinity }: ReferenceShape) {
  const column = sort.replace('-', '')
  const compare = (a: any, b: any) => typeof a === 'number' ? a - b : Buffer.compare(Buffer.from(a), Buffer.from(b))
  const ordered = [...records].sort((a, b) => compare(a[column], b[column]) || compare(a['user_id'], b['user_id']))
  if (sort.startsWith('-')) ordered.reverse()
  const pages = Array.from({ length: Math.max(1, Math.ceil(ordered.length / limit)) }, (_, i) => limit === Infinity ? ordered : ordered.slice(i * limit, (i + 1) * limit))
  return pages.map((page) => {
    if (format === 'csv') return [columns, ...page.map((record) => columns.map((column) => String(record[column] ?? '')))]
    const objects = page.map((record) => JSON.stringify(Object.fromEntries(columns.map((column) => [column, record[column] ?? null]))))
    return format === 'json' ? `[${objects.join(',')}]` : objects.map((object) => object + '\n').join('')
  })
}

const DECLARED = ['user_id', 'first_name', 'last_name', 'birthts', 'img_path']
