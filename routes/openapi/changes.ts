import { perSchema } from '../http/per-schema.js'
import { recordSchemas } from '../http/record-schemas.js'
import * as headers from './headers.js'
import { example, json, type Operation } from './operation.js'
import { unknownPosition } from './problem-examples.js'
import { problems } from './problems.js'

/** The Data-Version of the sample data. */
const SAMPLE = 'bG_F6oDnDULQ7KRgTcRDXL'

const FORMATS = 'With `Accept: application/x-ndjson` or `format=ndjson`, the response has lines of JSON: `{"op": "upsert", "record": {...}}`, `{"op": "remove", "key": "..."}` and, as the last line, ' +
  '`{"op": "version", "version": "<next>"}`, unless another page follows; a response without it is incomplete. With `Accept: text/event-stream` or `format=events`, it does not end: each event `changes` has the ' +
  'JSON as `data` and `next` as `id`; an event `reset` replaces the status 410; there is a comment every 15 seconds; the header `Last-Event-ID` takes precedence over `since`.'

export const getChanges = perSchema((schema): Operation => ({
  operationId: 'getChanges',
  tags: ['Records'],
  summary: 'What became of the records since a data version',
  description: 'The records that were added or changed since, as they are now, and the keys of those that were removed. A client that has all records of a version and applies the changes has the records of `version`; ' +
    'its next request has `since=<next>`. A record of which an image was replaced is in `changed`, too. The log of this process and its snapshot is bounded: if it does not reach `since`, the status is 410, ' +
    `and the client reads all records again. ${FORMATS}`,
  headers: { ...headers.cacheControl, ...headers.lastEventId },
  responses: {
    200: {
      description: 'The changes',
      headers: { ...headers.freshness, ...headers.nextPage, ...headers.varyAccept },
      content: json(recordSchemas(schema).named.Changes, {
        none: example('No changes: the position from which the next changes are reported', "'/changes'", { since: SAMPLE, version: SAMPLE, next: SAMPLE, changed: [], removed: [] })
      })
    },
    ...problems([400, 406, 410, 500, 503], { headers: headers.perhapsFreshness, examples: { 410: unknownPosition }, headersOf: { 406: headers.varyAccept } })
  }
}))
