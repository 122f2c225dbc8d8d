import type { S3Client } from '@aws-sdk/client-s3'
import type { FirstByteLimits } from './first-byte-limit.js'

/** Makes each attempt of a client wait for the first byte of its response as long as the limits allow, unless the request has a limit of its own. */
export function limitFirstByte ({ config: { requestHandler } }: S3Client, limits: FirstByteLimits): void {
  const handle = requestHandler.handle.bind(requestHandler)
  requestHandler.handle = async (request, options) => {
    const { requestTimeout }: { readonly requestTimeout?: number | undefined } = options ?? {}
    if (requestTimeout !== undefined) return await handle(request, options)
    const limit = request.query['list-type'] === undefined ? limits.objects : limits.listings
    const { ms } = limit
    const sentAt = performance.now()
    try {
      const response = await handle(request, { ...options, requestTimeout: ms })
      limit.responseBegan(performance.now() - sentAt)
      return response
    } catch (error) {
      if ((error as Error).name === 'TimeoutError') limit.timedOut(ms)
      throw error
    }
  }
}
