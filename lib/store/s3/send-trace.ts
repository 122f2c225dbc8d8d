import type { S3Client } from '@aws-sdk/client-s3'
import { childTraceparent } from '../../base/trace-context.js'
import type { TraceOption } from '../object-store.js'

/** Makes each attempt of a client to send a command with the option `trace` have a `traceparent` header. It is added after signing, so that a proxy may replace it. */
export function sendTrace ({ config: { requestHandler } }: S3Client): void {
  const handle = requestHandler.handle.bind(requestHandler)
  requestHandler.handle = (request, options) => {
    const { trace }: TraceOption = options ?? {}
    if (trace !== undefined) request.headers['traceparent'] = childTraceparent(trace)
    return handle(request, options)
  }
}
