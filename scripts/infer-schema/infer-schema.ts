import { countOf } from '../../lib/base/count-of.js'
import { DEFAULTS } from '../../lib/base/defaults.js'
import { INPUT_ENCODINGS, type InputEncoding } from '../../lib/base/info-formats.js'
import type { FieldDescriptor, SchemaDescriptor } from '../../lib/schema/descriptor.js'
import type { TypeName } from '../../lib/schema/field-type.js'
import { parseSchema } from '../../lib/schema/schema.js'
import { decodeText, encodingFor } from '../../lib/source/decode-text.js'
import { parseInfoFile } from '../../lib/source/info-file.js'
import { inferType, type Majority, type SampleValue } from './column-type.js'
import { describeOthers, inferImages } from './images.js'
import { describeLayouts, findLayouts, labelOf, type FoundColumn } from './layouts.js'
import { encodingsOf, findDelimiter, NESTED, readCsvColumns, readJsonColumns, unpack, type SampledColumns, type SampledFile } from './sampled-file.js'

/** A sample of a lake. */
export interface Sample {
  readonly files: readonly SampledFile[]
  /** The ids of the info files, each with the number of files that have it. */
  readonly ids: ReadonlyMap<string, number>
  /** The base names of the images. */
  readonly images: readonly string[]
  /** The keys of objects that are neither info files nor images. */
  readonly others: readonly string[]
}

/** An inferred schema, the settings that the lake needs, and what could not be decided. */
export interface Inferred {
  readonly schema: SchemaDescriptor
  /** Settings that differ from their defaults. */
  readonly settings: Readonly<Record<string, string>>
  /** What could not be decided, in one sentence each. */
  readonly doubts: readonly string[]
  /** The number of sampled files that the schema accepts. */
  readonly accepted: number
}

/** A column that occurs in fewer files than this share is left undeclared. */
const MIN_SHARE = 0.05
/** A column that equals the file name in this share of the files or more may be the key. */
const MIN_KEY_SHARE = 0.9

const BIRTH_NAME = /birth|born|(^|_)dob($|_)|bday|geburt|geboren|naissance|nacimiento|рожд/i

/** Infers the schema of a lake. @throws Error if no file can be read */
export function inferSchema (sample: Sample): Inferred {
  const doubts = describeSameIds(sample.ids)
  /** The keys of the files that are not used, by the reason. */
  const leftOut = new Map<string, readonly string[]>()
  const bodies = sample.files.flatMap((file) => {
    const body = unpack(file)
    if (body !== undefined) return [{ file, body }]
    leftOut.set('cannot be unpacked', [...leftOut.get('cannot be unpacked') ?? [], file.key])
    return []
  })
  const encoding = inferEncoding(bodies, doubts)
  const decoded = bodies.flatMap(({ file, body }) => {
    const text = decodeText(body, encodingFor(body, file.format, encoding))
    return typeof text === 'string' ? [{ file, text }] : []
  })
  const csv = decoded.filter(({ file: { format } }) => format === 'csv' || format === 'csv.gz')
  const delimiter = csv.length === 0 ? DEFAULTS.delimiter : findDelimiter(csv.map(({ text }) => text))
  const records = decoded.flatMap(({ file, text }) => {
    const columns = file.format === 'json' ? readJsonColumns(text) : readCsvColumns(text, file.format === 'tsv' ? '\t' : delimiter)
    if (typeof columns !== 'string') return [{ id: file.id, key: file.key, columns }]
    leftOut.set(columns, [...leftOut.get(columns) ?? [], file.key])
    return []
  })
  for (const [reason, keys] of leftOut) doubts.push(keys.length === 1 ? `1 file is not used, because it ${reason}: ${keys[0]!}` : `${keys.length} files are not used, because each ${reason}, such as ${keys[0]!}`)
  if (records.length === 0) throw new Error(`${sample.files.length === 1 ? 'The only sampled file cannot' : `None of the ${sample.files.length} sampled files can`} be read: ${doubts.join('; ')}`)
  const { fields, isPartial } = inferFields(records, doubts)
  const images = inferImages(sample, [...fields.map(({ name }) => name), ...records.flatMap(({ columns }) => [...columns.keys()])])
  doubts.push(...describeOthers(sample.ids, sample.others))
  const schema: SchemaDescriptor = {
    $schema: 'https://datapackage.org/profiles/2.0/tableschema.json',
    ...isPartial && { fieldsMatch: 'partial' },
    fields: [...fields, ...images]
  }
  const compiled = parseSchema(JSON.stringify(schema))
  const accepted = sample.files.filter(({ id, format, body }) => parseInfoFile(body, { format, delimiter, encoding, schema: compiled, id }).data !== undefined).length
  const settings = { ...delimiter !== DEFAULTS.delimiter && { INPUT_DELIMITER: delimiter.replace('\t', '\\t') }, ...encoding !== DEFAULTS.inputEncoding && { INPUT_ENCODING: encoding } }
  return { schema, settings, doubts, accepted }
}

/** The doubt whether the files with the same id are different records. */
function describeSameIds (ids: Sample['ids']): string[] {
  const shared = [...ids].filter(([, files]) => files > 1)
  if (shared.length === 0) return []
  const total = shared.reduce((sum, [, files]) => sum + files, 0)
  const [id, files] = shared.reduce((most, other) => other[1] > most[1] ? other : most)
  const found = shared.length === 1 ? `${total} info files have the id ${JSON.stringify(id)}` : `${total} info files have an id that other files have, such as ${JSON.stringify(id)} (${files} files)`
  return [`${found}: the id is the name of the file, without its folder, and only one file of each id is served. If they are different records, rename the files; if they are the same record, DUPLICATES=newest serves the newest one`]
}

function inferEncoding (bodies: ReadonlyArray<{ readonly file: SampledFile, readonly body: Uint8Array }>, doubts: string[]): InputEncoding {
  // A file that is in UTF-8 whatever the setting says nothing about the others, and is read in any case.
  const possible = bodies.map(({ file, body }) => encodingFor(body, file.format, 'utf-16') === 'utf-8' ? INPUT_ENCODINGS : encodingsOf(body))
  const counts = INPUT_ENCODINGS.map((encoding) => ({ encoding, count: possible.filter((some) => some.includes(encoding)).length }))
  const [best] = counts.sort((a, b) => b.count - a.count)
  const others = bodies.filter((_, i) => !possible[i]!.includes(best!.encoding))
  if (others.length > 0) doubts.push(`${others.length} of ${bodies.length} files ${others.length === 1 ? 'is' : 'are'} not ${best!.encoding.toUpperCase()} text, such as ${others[0]!.file.key}, which is probably ${encodingsOf(others[0]!.body)[0]!.toUpperCase()}: all files of a lake need the same encoding`)
  return best!.encoding
}

interface SampledRecord { readonly id: string, readonly key: string, readonly columns: SampledColumns }

function inferFields (records: readonly SampledRecord[], doubts: string[]): { fields: FieldDescriptor[], isPartial: boolean } {
  const groups = groupSpellings(records)
  const keyGroup = groups.find(([first]) => records.every(({ id, columns }) => columns.get(first!) === undefined || String(columns.get(first!)) === id))
  if (keyGroup === undefined) doubts.push(...groups.flatMap((spellings) => describeNearKey(spellings, records)))
  const headers = new Set(groups.flat())
  const keyName = keyGroup === undefined
    ? (headers.has('id') ? freeName('key', headers) : 'id')
    : freeName(toName(keyGroup[0]!), new Set([...headers].filter((header) => !keyGroup.includes(header))))
  const fields: FieldDescriptor[] = [{ name: keyName, type: 'string', source: 'key', ...keyGroup !== undefined && headerOf(keyName, keyGroup) }]
  const incomplete: FoundColumn[] = []
  const names = new Set(fields.map(({ name }) => name))
  for (const spellings of groups) {
    if (spellings === keyGroup) continue
    const found = records.flatMap(({ columns }) => spellings.filter((name) => columns.has(name)).map((name) => columns.get(name)!))
    const label = labelOf(spellings)
    if (found.length < MIN_SHARE * records.length) {
      const { key } = records.find(({ columns }) => spellings.some((name) => columns.has(name)))!
      doubts.push(`The column ${label} occurs in ${found.length} of ${records.length} files, such as ${key}: it is not declared`)
      continue
    }
    if (found.includes(NESTED)) {
      doubts.push(`The column ${label} has objects or arrays: it is not declared, and its values remain JSON text`)
      continue
    }
    const { field, doubts: ofType, majority } = inferType(found.filter((value): value is SampleValue => value !== null && typeof value !== 'symbol'))
    // The name of another column would be reserved.
    const name = freeName(toName(spellings[0]!), new Set([...names, ...[...headers].filter((header) => !spellings.includes(header))]))
    names.add(name)
    const files = new Set(records.filter(({ columns }) => spellings.some((name) => columns.has(name))).map(({ key }) => key))
    if (files.size < records.length) incomplete.push({ name, spellings, type: field.type, files })
    fields.push({ name, ...headerOf(name, spellings), ...field })
    doubts.push(...ofType.map((doubt) => `The column ${label} ${doubt}`))
    if (majority !== undefined) doubts.push(`The column ${label} has ${describeMajority(majority, field.type, records, spellings)}`)
  }
  const { isPartial, doubts: ofIncomplete } = describeIncomplete(incomplete, records.map(({ key }) => key))
  doubts.push(...ofIncomplete)
  return { fields: withBirth(fields, records, doubts), isPartial }
}

/** The doubt whether a column that equals the file name in nearly all files, but not in all, is the key. */
function describeNearKey (spellings: readonly string[], records: readonly SampledRecord[]): string[] {
  const present = records.flatMap(({ id, key, columns }) => spellings.filter((name) => columns.has(name)).map((name) => ({ key, isEqual: String(columns.get(name)) === id })))
  const equal = present.filter(({ isEqual }) => isEqual).length
  const other = present.find(({ isEqual }) => !isEqual)
  if (other === undefined || equal < MIN_KEY_SHARE * records.length) return []
  return [`The column ${labelOf(spellings)} equals the file name in ${equal} of ${records.length} files: if it is the key, declare it with "source": "key" and correct the files that have another value, such as ${other.key}`]
}

/** If at most this share of the files lacks columns, these files are taken for damaged, and the schema does not allow for them. */
const MAX_DAMAGED_SHARE = 0.02

/**
 * Which sets of columns there are, if there are several, and how many files lack columns of their set. The example is of the column that the fewest files lack, as that is most likely a mistake.
 *
 * @param columns those that some files lack
 */
function describeIncomplete (columns: readonly FoundColumn[], keys: readonly string[]): { readonly isPartial: boolean, readonly doubts: readonly string[] } {
  const layouts = findLayouts(columns, keys)
  const lacks = columns.map((column) => {
    const layout = layouts.find(({ columns }) => columns.includes(column))
    return { column, lacking: keys.filter((key) => !column.files.has(key) && (layout?.files.has(key) ?? true)) }
  }).filter(({ lacking }) => lacking.length > 0)
  const count = new Set(lacks.flatMap(({ lacking }) => lacking)).size
  const [fewest] = lacks.sort((a, b) => a.lacking.length - b.lacking.length)
  const isPartial = columns.length > 0 && (layouts.length > 0 || count > MAX_DAMAGED_SHARE * keys.length)
  const consequence = isPartial
    ? 'fieldsMatch is partial, so that any column may be absent'
    : `${count === 1 ? 'it is' : 'they are'} probably damaged and will be rejected; if columns may be absent, add "fieldsMatch": "partial" to the schema`
  return {
    isPartial,
    doubts: [
      ...layouts.length > 0 ? [describeLayouts(layouts)] : [],
      ...fewest !== undefined ? [`${count} of ${keys.length} files ${count === 1 ? 'lacks' : 'lack'} some columns${layouts.length > 0 ? ` that other files of ${count === 1 ? 'its' : 'their'} set have` : ''}, such as ${labelOf(fewest.column.spellings)} in ${fewest.lacking[0]!}: ${consequence}`] : []
    ]
  }
}

/** The maximum number of exceptions that are listed. */
const MAX_LISTED = 10

/** What most values are, which ones are not and in which files, and what follows from it. */
function describeMajority ({ field, exceptions, count, exceptionCount }: Majority, type: TypeName, records: readonly SampledRecord[], spellings: readonly string[]): string {
  const found = records.flatMap(({ key, columns }) => spellings.flatMap((name) => {
    const value = columns.get(name)
    const text = typeof value === 'symbol' ? '' : String(value ?? '').trim()
    return exceptions.has(text) ? [`${JSON.stringify(text)} in ${key}`] : []
  }))
  const listed = [...found.slice(0, MAX_LISTED), ...found.length > MAX_LISTED ? [`${found.length - MAX_LISTED} more`] : []].join(', ')
  const consequence = type === 'string'
    ? `it is declared as string; if it is declared as ${JSON.stringify(field)}, files with other values will be rejected`
    : 'files with other values will be rejected; if one stands for a missing value, add it to missingValues'
  return `${countOf(count - exceptionCount, field.type)} among ${countOf(count, 'value')}, and ${listed}: ${consequence}`
}

/**
 * Groups the names of columns that are probably spellings of the same name: they differ only in case, spaces, hyphens and underscores, and no file has
 * two of them. In each group the most frequent name comes first.
 */
function groupSpellings (records: readonly SampledRecord[]): string[][] {
  const counts = new Map<string, number>()
  for (const { columns } of records) for (const name of columns.keys()) if (name !== '') counts.set(name, (counts.get(name) ?? 0) + 1)
  const groups = new Map<string, string[]>()
  for (const name of counts.keys()) {
    const simple = name.normalize('NFC').toLowerCase().replaceAll(/[\s_-]/g, '')
    const group = groups.get(simple) ?? []
    const isTogether = records.some(({ columns }) => columns.has(name) && group.some((other) => columns.has(other)))
    if (isTogether) groups.set(`${simple} ${name}`, [name]) // no simple form has a space
    else groups.set(simple, [...group, name])
  }
  return [...groups.values()].map((group) => group.sort((a, b) => counts.get(b)! - counts.get(a)!))
}

/** Converts a header to a name that needs no encoding in a query, if it is ASCII: `Erste Zulassung (Jahr)` becomes `erste_zulassung_jahr`. */
function toName (header: string): string {
  return header.normalize('NFC').replaceAll(/(?<=[\p{Ll}\d])(?=\p{Lu})/gu, '_').toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '_').replaceAll(/^_+|_+$/g, '') || 'column'
}

/** The names that a column has in files, if they are not the name of its field alone. */
function headerOf (name: string, spellings: readonly string[]): Pick<FieldDescriptor, 'header'> {
  const [first] = spellings
  if (spellings.length > 1) return { header: spellings }
  return first === name ? {} : { header: first! }
}

function freeName (name: string, taken: ReadonlySet<string>): string {
  let free = name
  for (let i = 2; taken.has(free); i++) free = `${name}_${i}`
  return free
}

/** Gives the role `birth` to the column that may be a birth date, if there is exactly one such column. */
function withBirth (fields: readonly FieldDescriptor[], records: readonly SampledRecord[], doubts: string[]): FieldDescriptor[] {
  const isCandidate = ({ name, header = name, source, type }: FieldDescriptor) =>
    source === undefined && ['date', 'datetime', 'integer'].includes(type) && [name, header].flat().some((text) => BIRTH_NAME.test(text))
  const candidates = fields.filter(isCandidate)
  if (candidates.length === 0) doubts.push('No column looks like a birth date, so there are no ages. If a column is a birth date, give it "role": "birth"')
  if (candidates.length > 1) doubts.push(`The columns ${candidates.map(({ name }) => name).join(' and ')} may be birth dates: give one of them "role": "birth"`)
  const [birth, ...others] = candidates
  if (birth === undefined || others.length > 0) return [...fields]
  if (birth.type === 'integer') {
    const headers = [birth.header ?? birth.name].flat()
    const cells = records.flatMap(({ columns }) => headers.map((name) => columns.get(name)))
    const values = cells.flatMap((cell) => typeof cell === 'symbol' ? [] : Number(cell ?? NaN)).filter((value) => !Number.isNaN(value))
    if (values.every((value) => Math.abs(value) < 5e9)) {
      doubts.push(`The column ${birth.name} may be a birth date in seconds or a year: a birth date is in milliseconds since 1970-01-01 UTC, so it has no role`)
      return [...fields]
    }
    doubts.push(`The column ${birth.name} is treated as the birth in milliseconds since 1970-01-01 UTC`)
  }
  return fields.map((field) => field === birth ? { ...field, role: 'birth' } : field)
}
