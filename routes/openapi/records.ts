import { Type } from 'typebox'
import { perSchema } from '../http/per-schema.js'
import { recordSchemas } from '../http/record-schemas.js'
import { ImageBody } from '../http/schemas.js'
import * as headers from './headers.js'
import type { Header } from './headers.js'
import { example, json, NOT_MODIFIED, type Examples, type Media, type Operation } from './operation.js'
import { problems } from './problems.js'
import { misspelt, unknownRecord, noAttachment, noImage, noSuchRange, noSuchEncoding, noSuchFormat, expiredCursor } from './problem-examples.js'

const tags = ['Records'] as const

const LISTING = 'The filters are combined with AND. Without `limit`, the response has all records that match; with it, a page of them, and ' +
  '`Next-Cursor` is the `cursor` of the next page. All pages of a listing are of the same data version, even if the data changes between the requests; if that ' +
  'version is no longer retained, the response is 410. If the connection closes before the end of the body, the response is incomplete.'

interface Listing {
  readonly operationId: string
  readonly summary: string
  readonly description: string
  readonly content: Readonly<Record<string, Media>>
  readonly vary: Readonly<Record<string, Header>>
  readonly file?: Readonly<Record<string, Header>>
  readonly badRequest?: Examples
  readonly notAcceptable: Examples
}

/** An operation that returns the records that match. */
function listing ({ operationId, summary, description, content, vary, file, badRequest, notAcceptable }: Listing): Operation {
  return {
    operationId,
    tags,
    summary,
    description,
    headers: { ...headers.cacheControl, ...headers.ifNoneMatch, ...headers.ifMatch },
    responses: {
      200: {
        description: 'The records',
        headers: { ...headers.freshness, ...headers.lastGoodRecords, ...headers.caching, ...headers.paging, ...file, ...vary, ...headers.contentEncoding },
        content
      },
      304: { description: NOT_MODIFIED, headers: { ...headers.freshness, ...headers.lastGoodRecords, ...headers.caching, ...vary } },
      ...problems([400, 406, 410, 412, 500, 503], {
        headers: headers.optionalFreshness,
        examples: { ...badRequest && { 400: badRequest }, 406: notAcceptable, 410: expiredCursor },
        headersOf: { 406: vary }
      })
    }
  }
}

/** The operations on records, whose response schemas depend on the schema of the lake. */
export const recordOperations = perSchema((schema) => {
  const { Record, RecordSelection } = recordSchemas(schema).named

  const listRecords = listing({
    operationId: 'listRecords',
    summary: 'The records that match',
    description: `${LISTING} The format can also be chosen by the parameter \`format\` (\`json\`, \`ndjson\` or \`csv\`) or by \`Accept\`; ` +
      '`/data.ndjson` and `/data.csv` are the same as `format=ndjson` and `format=csv`.',
    vary: headers.varyRepresentation,
    content: json(Type.Array(RecordSelection), {
      filtered: example('Records with an age of 30 to 33 and without an image',
        "'/data?min_age=30&max_age=33&image_exists=false&as_of=2026-01-01T00:00:00Z'",
        [
          { user_id: '1032', first_name: 'มะลิ', last_name: 'ดอกไม้', birthts: 741643200000, img_path: null },
          { user_id: '1069', first_name: 'ለምለም', last_name: 'ተስፋዬ', birthts: 733006800000, img_path: null }
        ]),
      columns: example('Two columns of the records whose last name begins with Ash', "'/data?last_name=ash*&columns=last_name,user_id'",
        [{ last_name: 'Ashgrove', user_id: '1044' }, { last_name: 'Ashgrove', user_id: '1084' }, { last_name: 'Ashgrove', user_id: 'wren.ashgrove' }])
    }),
    badRequest: misspelt,
    notAcceptable: noSuchFormat
  })

  const exportRecordsCsv = listing({
    operationId: 'exportRecordsCsv',
    summary: 'The records that match, as CSV',
    description: LISTING,
    vary: headers.varyEncoding,
    file: headers.csvFile,
    content: {
      'text/csv': {
        schema: Type.String({ description: 'CSV as in RFC 4180, with a header' }),
        examples: {
          table: example('Two records', "'/data.csv?user_id=1007&user_id=1082&columns=user_id,last_name'", 'user_id,last_name\r\n1007,Phượng\r\n1082,الورّاق\r\n')
        }
      }
    },
    notAcceptable: noSuchEncoding('/data.csv')
  })

  const exportRecordsNdjson = listing({
    operationId: 'exportRecordsNdjson',
    summary: 'The records that match, as NDJSON',
    description: LISTING,
    vary: headers.varyEncoding,
    file: headers.ndjsonFile,
    content: {
      'application/x-ndjson': {
        schema: Type.String({ description: 'One RecordSelection as JSON in each line' }),
        examples: {
          lines: example('Two records', "'/data.ndjson?user_id=1007&user_id=1082&columns=user_id,birthts'",
            '{"user_id":"1007","birthts":-766465200000}\n{"user_id":"1082","birthts":-621313200000}\n')
        }
      }
    },
    notAcceptable: noSuchEncoding('/data.ndjson')
  })

  const getRecord: Operation = {
    operationId: 'getRecord',
    tags,
    summary: 'One record',
    description: 'The record with this id. Ids are compared byte for byte: `0012` is not `12`. With the parameter `columns`, as in `GET /data`, the response is a RecordSelection.',
    headers: { ...headers.cacheControl, ...headers.ifNoneMatch, ...headers.ifMatch },
    responses: {
      200: {
        description: 'The record',
        headers: { ...headers.freshness, ...headers.lastGoodRecords, ...headers.caching, ...headers.varyEncoding, ...headers.contentEncoding },
        content: json(Record, {
          record: example('A record with an image', "'/data/wren.ashgrove'",
            { user_id: 'wren.ashgrove', first_name: 'Wren', last_name: 'Ashgrove', birthts: -987822000000, img_path: 'source_data/wren.ashgrove.png' })
        })
      },
      304: { description: NOT_MODIFIED, headers: { ...headers.freshness, ...headers.lastGoodRecords, ...headers.caching, ...headers.varyEncoding } },
      ...problems([400, 404, 406, 412, 414, 500, 503], {
        headers: headers.optionalFreshness,
        examples: { 404: unknownRecord, 406: noSuchEncoding('/data/1001') },
        headersOf: { 406: headers.varyEncoding }
      })
    }
  }

  return { listRecords, exportRecordsCsv, exportRecordsNdjson, getRecord }
})

const image = Object.fromEntries(['image/png', 'image/jpeg', 'image/webp', 'image/gif'].map((type) => [type, { schema: ImageBody }]))

const IMAGE = 'as it is stored in the lake. `Content-Type` is determined by its first bytes, not by the extension of its key.'

export const getRecordImage: Operation = {
  operationId: 'getRecordImage',
  tags,
  summary: 'The image of a record',
  description: `The image ${IMAGE}`,
  headers: { ...headers.cacheControl, ...headers.ifNoneMatch, ...headers.ifMatch, ...headers.dates, ...headers.ranges },
  responses: {
    200: {
      description: 'The image',
      headers: { ...headers.freshness, ...headers.validators, ...headers.storeTiming, ...headers.acceptRanges },
      content: image
    },
    206: {
      description: 'A range of the image',
      headers: { ...headers.freshness, ...headers.validators, ...headers.storeTiming, ...headers.acceptRanges, ...headers.contentRange },
      content: image
    },
    304: { description: NOT_MODIFIED, headers: { ...headers.freshness, ...headers.validators } },
    ...problems([400, 404, 412, 414, 415, 416, 500, 503], {
      headers: headers.optionalFreshness,
      headersOf: { 416: headers.contentSize },
      examples: { 404: noImage, 416: noSuchRange }
    })
  }
}

export const getRecordAttachment: Operation = {
  ...getRecordImage,
  operationId: 'getRecordAttachment',
  summary: 'An image of a record, by its field',
  description: `The image in this field, ${IMAGE}`,
  responses: {
    ...getRecordImage.responses,
    ...problems([404, 416], { headers: headers.optionalFreshness, headersOf: { 416: headers.contentSize }, examples: { 404: noAttachment } })
  }
}
