import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { isStreamed, measureBody, type Body, type StreamedBody } from '../../lib/store/streamed-body.js'

/** A streamed body, and how many times it was opened and closed. */
export interface TestBody extends StreamedBody {
  opened: number
  closed: number
}

/** A body that consists of these parts when it is measured. `read` returns its parts when it is opened later, for the `time`-th time, counted from 1. */
export async function bodyOfParts (parts: Iterable<string>, read: (time: number) => Iterable<string> | AsyncIterable<string> = () => parts): Promise<TestBody> {
  const all = [...parts]
  const measured = await measureBody(() => Readable.from(all.map((part) => Buffer.from(part))))
  const body: TestBody = {
    ...measured,
    opened: 0,
    closed: 0,
    open: async function * () {
      body.opened++
      try {
        for await (const part of read(body.opened)) yield Buffer.from(part)
      } finally {
        body.closed++
      }
    }
  }
  return body
}

/** The bytes of a body, in memory. */
export async function bytesOf (body: Body): Promise<Uint8Array> {
  return isStreamed(body) ? await buffer(Readable.from(body.open())) : body
}
