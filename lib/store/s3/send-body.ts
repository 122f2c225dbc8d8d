import { once } from 'node:events'
import { Readable } from 'node:stream'
import type { S3Client } from '@aws-sdk/client-s3'
import { paced } from '../../base/paced.js'
import { readBody, type StreamedBody } from '../streamed-body.js'
import { Deadline } from './deadline.js'

/** The option of a command whose request has this body. The time limit of an attempt, `requestTimeout`, then does not include the time in which the body is read from its source. */
export interface BodyOption { readonly streamedBody?: StreamedBody | undefined }

interface Options extends BodyOption {
  readonly requestTimeout?: number
  readonly abortSignal?: AbortSignal
}

/**
 * Makes each attempt of a client to send a command with the option `streamedBody` read this body from its beginning. The SDK does not get the body: it would not
 * repeat a request whose body is a stream, and would not notice that the stream has failed.
 */
export function sendBody ({ config: { requestHandler } }: S3Client): void {
  const handle = requestHandler.handle.bind(requestHandler)
  requestHandler.handle = async (request, options) => {
    const { streamedBody, requestTimeout = 0, abortSignal = new AbortController().signal }: Options = options ?? {}
    if (streamedBody === undefined) return await handle(request, options)
    const limit = new Deadline(requestTimeout)
    const failed = new AbortController()
    const source = Readable.from(paced(readBody(streamedBody), (work) => limit.exclude(work)))
    source.on('error', (error) => failed.abort(error))
    try {
      // The request begins only when the first bytes are there: servers close a connection on which they have to wait for them.
      await once(source, 'readable')
      const sent = Object.assign(request.clone(), { body: source })
      return await handle(sent, { ...options, requestTimeout: 0, abortSignal: AbortSignal.any([abortSignal, limit.signal, failed.signal]) })
    } catch (error) {
      if (failed.signal.aborted) throw failed.signal.reason
      throw limit.signal.aborted ? Object.assign(new Error('no response in time', { cause: error }), { name: 'TimeoutError' }) : error
    } finally {
      limit.clear()
      source.destroy()
    }
  }
}
