import fs from 'node:fs'
import type { Clock } from '../../base/clock.js'
import { StoreError, type GetOptions, type ObjectBody, type ObjectStream, type StreamOptions } from '../object-store.js'
import { openFile } from './folder-path.js'
import { etagOf, infoOf } from './folder-version.js'

const ATTEMPTS = 3

interface ReadContext {
  /** The real path of the root. */
  readonly root: string
  readonly clock: Clock
}

/** As `ObjectStore.get`. Fails with `store_error` where the file never stands still. */
export function readObject (context: ReadContext, key: string, options: GetOptions): ObjectBody | 'unchanged' | undefined {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const answer = readVersion(context, key, options)
    if (answer !== 'changed') return answer
  }
  throw new StoreError('store_error', 'the file changes while it is read')
}

function readVersion (
  { root, clock }: ReadContext, key: string, { ifNoneMatch, maxBytes = Infinity }: GetOptions
): ObjectBody | 'unchanged' | 'changed' | undefined {
  const now = clock()
  const opened = openFile(root, key)
  if (opened === undefined) return undefined
  const { file, stats } = opened
  try {
    const info = infoOf(key, stats, now)
    if (info.etag === ifNoneMatch && !info.racy) return 'unchanged'
    if (info.size > maxBytes) throw new StoreError('too_large', `more than ${maxBytes} bytes`)
    const body = readBytes(file, info.size)
    const isSame = etagOf(fs.fstatSync(file, { bigint: true })) === info.etag
    return isSame ? { ...info, body } : 'changed'
  } finally {
    fs.closeSync(file)
  }
}

/** At most `size` bytes from the start: a file that grows meanwhile does not fill the memory. */
function readBytes (file: number, size: number): Buffer {
  const buffer = Buffer.alloc(size)
  let length = 0
  while (length < size) {
    const bytesRead = fs.readSync(file, buffer, length, size - length, length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return buffer
}

/** As `ObjectStore.stream`. */
export function streamObject ({ root, clock }: ReadContext, key: string, { ifMatch, range }: StreamOptions): ObjectStream | undefined {
  const now = clock()
  const opened = openFile(root, key)
  if (opened === undefined) return undefined
  const { file, stats } = opened
  const info = infoOf(key, stats, now)
  const isOther = Boolean(ifMatch) && ifMatch !== info.etag
  if (isOther || (range && range.first >= info.size)) {
    fs.closeSync(file)
    throw isOther
      ? new StoreError('precondition_failed', 'the object is not the expected one')
      : new StoreError('store_error', 'the range begins behind the end')
  }
  return { ...info, body: fs.createReadStream('', { fd: file, start: range?.first ?? 0, ...range && { end: range.last } }) }
}
