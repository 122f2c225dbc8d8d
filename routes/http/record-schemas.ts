import type { Readable } from 'node:stream'
import { Type, type TSchema } from 'typebox'
import { MIN_RECORDS } from '../../lib/query/suppress-few.js'
import type { TypeName } from '../../lib/schema/field-type.js'
import type { Field } from '../../lib/schema/schema.js'
import { toCell } from '../../lib/table/cell.js'
import { QUARANTINE_CODES } from '../../lib/transformer.js'
import { columnStatisticsMembers, columnStatisticsSchemas } from './column-statistics.js'
import { anyOf, count, integer, nullable, number, text, time } from './json-schema.js'
import { keyMember } from './key-names.js'
import { perSchema } from './per-schema.js'
import { IgnoredObjects, QuarantineCounts, SourceVersion } from './schemas.js'

/** The values of the parameter `age_basis`, and its default. */
export const AgeBasis = {
  type: 'string',
  enum: ['completed', 'exact'],
  default: 'completed',
  description: '`completed`: in completed years, which change on birthdays. `exact`: as elapsed time in years of 365.25 days.'
} as const

const AgeBin = Type.Object({
  min_age: integer('The lowest age in the bin, in completed years'),
  max_age: integer('The highest age in the bin, in completed years'),
  count: count('The number of records in the bin')
}, { description: 'A bin of the histogram' })

type Texts = { readonly description?: string }

/** The values of each type, as responses have them. */
const VALUES: Readonly<Record<TypeName, (texts: Texts) => TSchema>> = {
  string: (texts) => Type.String(texts),
  integer: (texts) => Type.Integer({ format: 'int64', ...texts }),
  number: (texts) => Type.Number({ format: 'double', ...texts }),
  boolean: (texts) => Type.Boolean(texts),
  date: (texts) => Type.String({ format: 'date', ...texts }),
  datetime: (texts) => Type.String({ format: 'date-time', ...texts })
}

/** The JSON schemas that depend on the declared columns: `named` by their names in the OpenAPI document, and the `bodies` of responses. */
export const recordSchemas = perSchema((schema) => {
  const { fields, birth, imageFields: [image] } = schema
  const columns = Object.fromEntries(fields.map((field) => [field.name, columnSchema(field)]))

  const RecordObject = Type.Object(columns, { description: 'One record' })

  const RecordSelection = Type.Partial(Type.Object(columns), {
    // Generators for Go and TypeScript fail on a schema of several types here.
    additionalProperties: true,
    description: 'The columns of one record that the parameter `columns` selects; without it, all columns of a Record. Columns that the schema does not declare are text, or null if the file does not have them.'
  })

  const ImageField = image && {
    type: 'string',
    enum: schema.imageFields.map(({ name }) => name),
    examples: [image.name],
    description: 'The name of an image field; `/image` returns the image of the first one'
  }

  const Changes = Type.Object({
    since: text('The position after which changes are reported: a `Data-Version`, or `next` of an earlier response'),
    version: text('The `Data-Version` of the records'),
    next: nullable('The `since` of the next request: the version, followed by `~` and a number if images were replaced within it or the data has changed back to it; null if another page follows', Type.String()),
    changed: Type.Array(RecordSelection, { description: 'The records that were added or changed, or an image of which was replaced, as they are in this version' }),
    removed: Type.Array(Type.String(), { description: 'The ids of the records that were removed' })
  }, { description: 'The changes of the records since a data version' })

  const ifNoAges = birth?.descriptor.constraints?.required === true ? 'if no record matches' : 'if no record that matches has an age'
  const Statistics = Type.Object({
    count: count('The number of records that match'),
    ...birth && {
      average_age: number({ description: `The mean age in years of 365.25 days; -1 ${ifNoAges}, or with only the scope \`stats\` if fewer than ${MIN_RECORDS} have an age` }),
      median_age: nullable(`The median age in years of 365.25 days; null ${ifNoAges}, or with only the scope \`stats\` if fewer than ${MIN_RECORDS} have an age`, number()),
      youngest_age: nullable(`The lowest age in years of 365.25 days; null ${ifNoAges}, and with only the scope \`stats\``, number()),
      oldest_age: nullable(`The highest age in years of 365.25 days; null ${ifNoAges}, and with only the scope \`stats\``, number())
    },
    ...image && { with_image: count('The number of records that have an image') },
    ...birth && {
      age_histogram: Type.Array(AgeBin, { description: 'The number of records by age; bins without records are omitted' }),
      as_of: time('The instant for which ages are computed')
    },
    ...columnStatisticsMembers
  }, { description: 'Statistics of the records that match' })

  const QuarantineEntry = Type.Object({
    [keyMember(schema)]: nullable('The id of the record; null if the key contains no valid id', Type.String()),
    key: text('The key of the object'),
    etag: text('The ETag of the object'),
    code: text(`What is wrong, for programs. ${anyOf(QUARANTINE_CODES)}`),
    detail: text('What is wrong, in words'),
    hint: nullable('How to correct the file; null if the service cannot suggest anything', Type.String()),
    line: nullable('The number of the line with the error, from 1; null if the error has no position', Type.Integer({ format: 'int32', minimum: 1 })),
    column: nullable('The name of the column with the error; null if the error concerns no column or several', Type.String()),
    excerpt: nullable('The beginning of the text with the error; null if the error has no position in a text', Type.String()),
    last_good: nullable('The version of the info file that is served instead; null if no earlier version is served', SourceVersion)
  }, { description: 'An info file that is not served, or an image without an info file (`orphan`)' })

  const Quarantine = Type.Object({
    counts: QuarantineCounts,
    entries: Type.Array(QuarantineEntry, { description: 'The entries of this page, ordered by the bytes of their keys' }),
    ignored: Type.Array(IgnoredObjects, { description: 'The ignored objects by extension, the most frequent one first' })
  }, { description: 'The objects of the lake that are not served' })

  return {
    named: { Changes, ...ImageField && { ImageField }, ...birth && { AgeBasis, AgeBin }, Record: RecordObject, RecordSelection, Statistics, ...columnStatisticsSchemas, QuarantineEntry, Quarantine },
    // Handlers pass serialized bodies to Fastify, so the types are those of streams, buffers and texts.
    bodies: {
      RecordArray: Type.Unsafe<Readable>(Type.Array(RecordObject)),
      ChangesBody: Type.Unsafe<Readable>(Changes),
      OneRecord: Type.Unsafe<string>(RecordObject),
      StatisticsBody: Type.Unsafe<Buffer | string>(Statistics),
      QuarantineBody: Type.Unsafe<Buffer>(Quarantine)
    }
  }
})

function columnSchema (field: Field): TSchema {
  const value = VALUES[field.type.name]
  const description = describeField(field)
  const isRequired = field.source === 'key' || field.descriptor.constraints?.required === true
  return isRequired ? value({ description }) : nullable(description, value({}))
}

function describeField (field: Field): string {
  const values = field.descriptor.constraints?.enum ?? []
  if (values.length === 0 || values.length > MAX_LISTED_VALUES) return meaningOf(field)
  return `${meaningOf(field)}; one of ${values.map((value) => `\`${String(toCell(field.type.name, field.readJson(value).value ?? null))}\``).join(', ')}`
}

/** A column with more values in its `enum` has a description that does not list them. */
const MAX_LISTED_VALUES = 20

function meaningOf ({ name, source, descriptor: { title, description } }: Field): string {
  if (description !== undefined) return description
  if (title !== undefined) return title
  if (source === 'key') return 'The name of the info file without its extension'
  return source === 'image' ? 'The key of the image; null if the record has none' : `The column ${name}`
}
