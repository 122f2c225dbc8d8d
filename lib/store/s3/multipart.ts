/** S3 accepts a PUT of up to 5 GiB. A larger body needs a multipart upload. */
export const MAX_PUT_BYTES = 5 * 1024 ** 3
/** A part is in memory while it is sent. S3 accepts parts of at least 5 MiB, except for the last one. */
export const PART_BYTES = 16 * 1024 ** 2
/** The limit of S3. */
const MAX_PARTS = 10_000
/** The largest body of a multipart upload. */
export const MAX_MULTIPART_BYTES = MAX_PARTS * PART_BYTES

/** The parts of a body, of `size` bytes each; the last one has the rest. A body without a byte is one empty part. */
export async function * partsOf (source: AsyncIterable<Uint8Array>, size = PART_BYTES): AsyncGenerator<Buffer> {
  let waiting: Uint8Array[] = []
  let length = 0
  let isFirst = true
  for await (const bytes of source) {
    let rest = bytes
    while (length + rest.length > size) {
      const taken = size - length
      yield Buffer.concat([...waiting, rest.subarray(0, taken)])
      isFirst = false
      rest = rest.subarray(taken)
      waiting = []
      length = 0
    }
    waiting.push(rest)
    length += rest.length
  }
  if (length > 0 || isFirst) yield Buffer.concat(waiting)
}
