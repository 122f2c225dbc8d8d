import { Type } from 'typebox'
import { ImageBody, RecordObject, RecordSelection } from '../http/schemas.js'
import * as headers from './headers.js'
import { example, type Operation } from './operation.js'
import { problems } from './problems.js'
import { misspelt, unknownUser, noImage, noSuchRange, notAcceptable } from './problem-examples.js'

const tags = ['Users'] as const

export const listRecords: Operation = {
  operationId: 'listRecords',
  tags,
  summary: 'The users that match',
  description: 'All of them, by user id unless `sort` says otherwise. The filters are combined with AND; one that is not given does ' +
    'not filter. The format is that of `format`, else the one that `Accept` prefers. An answer that breaks off is incomplete. With ' +
    '`limit`, a page of them: `Link` leads to the next one. The pages of one listing agree with each other, whatever happens to the ' +
    'data meanwhile; 410 tells where that is not possible any more.',
  headers: { ...headers.cacheControl, ...headers.ifNoneMatch, ...headers.acceptEncoding },
  responses: {
    200: {
      description: 'The users',
      headers: { ...headers.freshness, ...headers.caching, ...headers.paging, ...headers.varyRepresentation, ...headers.contentEncoding, ...headers.noSniff },
      content: {
        'application/json': {
          schema: Type.Array(RecordSelection),
          examples: {
            filtered: example('People of 30 to 33 years without a picture',
              "'/data?min_age=30&max_age=33&image_exists=false&as_of=2026-01-01T00:00:00Z'",
              [
                { user_id: '1032', first_name: 'มะลิ', last_name: 'ดอกไม้', birthts: 741643200000, img_path: null },
                { user_id: '1069', first_name: 'ለምለም', last_name: 'ተስፋዬ', birthts: 733006800000, img_path: null }
              ]),
            columns: example('Two columns of those whose last name begins with Ash', "'/data?last_name=ash*&columns=last_name,user_id'",
              [{ last_name: 'Ashgrove', user_id: '1044' }, { last_name: 'Ashgrove', user_id: '1084' }, { last_name: 'Ashgrove', user_id: 'wren.ashgrove' }])
          }
        },
        'application/x-ndjson': {
          schema: Type.String({ description: 'One RecordSelection as JSON in each line' }),
          examples: {
            lines: example('Two users, a line each', "-H 'Accept: application/x-ndjson' '/data?user_id=1007&user_id=1082&columns=user_id,birthts'",
              '{"user_id":"1007","birthts":-766465200000}\n{"user_id":"1082","birthts":-621313200000}\n')
          }
        },
        'text/csv': {
          schema: Type.String({ description: 'RFC 4180, with a header' }),
          examples: {
            table: example('Two users as CSV', "'/data?user_id=1007&user_id=1082&columns=user_id,last_name&format=csv'",
              'user_id,last_name\r\n1007,Phượng\r\n1082,الورّاق\r\n')
          }
        }
      }
    },
    304: { description: 'The client has it', headers: { ...headers.freshness, ...headers.caching, ...headers.varyRepresentation } },
    ...problems([400, 406, 410, 500, 503], {
      headers: headers.perhapsFreshness,
      examples: { 400: misspelt, 406: notAcceptable },
      headersOf: { 406: headers.varyNotAcceptable }
    })
  }
}

export const getRecord: Operation = {
  operationId: 'getRecord',
  tags,
  summary: 'One user',
  description: 'The record of the user of this id, compared byte for byte: `0012` is not `12`.',
  headers: { ...headers.cacheControl, ...headers.ifNoneMatch },
  responses: {
    200: {
      description: 'The user',
      headers: { ...headers.freshness, ...headers.caching },
      content: {
        'application/json': {
          schema: RecordObject,
          examples: {
            user: example('A user with a picture', "'/data/wren.ashgrove'",
              { user_id: 'wren.ashgrove', first_name: 'Wren', last_name: 'Ashgrove', birthts: -987822000000, img_path: 'source_data/wren.ashgrove.png' })
          }
        }
      }
    },
    304: { description: 'The client has it', headers: { ...headers.freshness, ...headers.caching } },
    ...problems([400, 404, 414, 500, 503], { headers: headers.perhapsFreshness, examples: { 404: unknownUser } })
  }
}

const picture = Object.fromEntries(['image/png', 'image/jpeg', 'image/webp', 'image/gif'].map((type) => [type, { schema: ImageBody }]))

export const getRecordImage: Operation = {
  operationId: 'getRecordImage',
  tags,
  summary: 'The picture of a user',
  description: 'As it lies in the bucket. Its type is told by its first bytes, whatever the name of the file says.',
  headers: { ...headers.cacheControl, ...headers.ifNoneMatch, ...headers.ranges },
  responses: {
    200: {
      description: 'The picture',
      headers: { ...headers.freshness, ...headers.validators, ...headers.acceptRanges, ...headers.noSniff },
      content: picture
    },
    206: {
      description: 'A part of the picture',
      headers: { ...headers.freshness, ...headers.validators, ...headers.acceptRanges, ...headers.contentRange, ...headers.noSniff },
      content: picture
    },
    304: { description: 'The client has it', headers: { ...headers.freshness, ...headers.validators } },
    ...problems([400, 404, 414, 415, 416, 500, 503], {
      headers: headers.perhapsFreshness,
      headersOf: { 416: headers.contentSize },
      examples: { 404: noImage, 416: noSuchRange }
    })
  }
}
