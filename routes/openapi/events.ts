import { BucketNotification, EventCounts } from '../http/schemas.js'
import type { Operation } from './operation.js'
import { problems } from './problems.js'

const { 400: malformed, ...others } = problems([400, 413, 415, 500, 503])

export const receiveEvents: Operation = {
  operationId: 'receiveEvents',
  tags: ['Events'],
  summary: 'Notifications of the bucket',
  description: 'Receives notifications of S3, MinIO, Ceph or EventBridge. Each event makes the service re-check one record, soon and usually without a listing. Duplicate, reordered, ' +
    'lost or forged events never lead to wrong records; they only affect how soon a change is seen.',
  requestBody: { description: 'A notification', required: true, content: { 'application/json': { schema: BucketNotification } } },
  responses: {
    202: { description: 'The records are re-checked', content: { 'application/json': { schema: EventCounts } } },
    204: { description: 'The notification reports no change of an object' },
    400: { ...malformed!, description: 'The body is not a notification, or the request is malformed' },
    ...others
  }
}
