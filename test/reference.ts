import { parse } from 'csv-parse/sync'
import { Temporal } from 'temporal-polyfill'

/** Section 2 of the contract, told as plainly as possible: for files that are well-formed. */
export interface ReferenceQuery {
  min?: number, max?: number, exact?: boolean, asOf: number, image?: boolean, ids?: string[], first?: string, where?: [string, string][]
}

const YEAR = 365.25 * 86_400_000

export function referenceRecords (files: Record<string, string>, modified: Record<string, number>) {
  const names = Object.keys(files).map((key) => ({ key, base: key.split('/').at(-1)!, id: key.split('/').at(-1)!.replace(/\.[^.]*$/, '') }))
  const order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
  const infos = names.filter(({ base }) => /\.csv$/i.test(base)).sort((a, b) => Buffer.byteLength(a.key) - Buffer.byteLength(b.key) || order(a.key, b.key))
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
