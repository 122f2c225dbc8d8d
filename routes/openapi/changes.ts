import { perSchema } from '../http/per-schema.js'
import { recordSchemas } from '../http/record-schemas.js'
import * as headers from './headers.js'
import { example, json, type Operation } from './operation.js'
import { unknownPosition } from './problem-examples.js'
import { problems } from './problems.js'

/** The Data-Version of the sample data. */
const SAMPLE = 'bG_F6oDnDULQ7KRgTcRDXL'

const FORMATS = 'With `Accept: application/x-ndjson` or `format=ndjson`, the response is NDJSON, with the lines `{"op": "upsert", "record": {...}}`, `{"op": "remove", "key": "..."}` ' +
  'and, as the last line, `{"op": "version", "version": "<next>"}`, except on a page with the header `Next-Cursor`; an NDJSON response with neither is incomplete. ' +
  'With `Accept: text/event-stream` or `format=events`, the response is a stream of events that does not end: each event `changes` has the object of the JSON response as `data` and its `next` as `id`; ' +
  'an event `reset` is sent instead of the status 410; a comment is sent every 15 seconds; the header `Last-Event-ID` takes precedence over `since`.'

export const getChanges = perSchema((schema): Operation => ({
  operationId: 'getChanges',
  tags: ['Records'],
  summary: 'The changes of the records since a data version',
  description: 'The records that were added or changed since the data version `since`, as they are now, and the ids of those that were removed. ' +
    'A client that has all records of `since` and applies the changes has all records of `version`; its next request has `since=<next>`. ' +
    'If an image of a record was replaced, the record is in `changed` as well. The change log, which is kept when the process restarts if it can write to the lake, is bounded: ' +
    `if it does not go back to \`since\`, the status is 410, and the client has to read all records again. ${FORMATS}`,
  headers: { ...headers.cacheControl, ...headers.lastEventId },
  responses: {
    200: {
      description: 'The changes',
      headers: { ...headers.freshness, ...headers.nextPage, ...headers.varyAccept },
      content: json(recordSchemas(schema).named.Changes, {
        none: example('No changes: the position from which the next changes are reported', "'/changes'", { since: SAMPLE, version: SAMPLE, next: SAMPLE, changed: [], removed: [] })
      })
    },
    ...problems([400, 406, 410, 500, 503], { headers: headers.optionalFreshness, examples: { 410: unknownPosition }, headersOf: { 406: headers.varyAccept } })
  }
}))
