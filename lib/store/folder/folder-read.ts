import { createReadStream } from 'node:fs'
import type { Clock } from '../../base/clock.js'
import { StoreError, type GetOptions, type ObjectBody, type ObjectStream, type StreamOptions } from '../object-store.js'
import type { Disk, Files } from './files.js'
import { openFile, type Lookup } from './folder-path.js'
import { etagOf, growingMs, infoOf } from './folder-version.js'

const ATTEMPTS = 3

interface ReadContext extends Lookup {
  readonly clock: Clock
}

/** As `ObjectStore.get`. Fails with `store_error` if the file changes during every attempt. */
export async function readObject (context: ReadContext, key: string, options: GetOptions): Promise<ObjectBody | 'unchanged' | undefined> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const result = await readVersion(context, key, options)
    if (result !== 'changed') return result
  }
  throw new StoreError('store_error', 'the file changes while it is read')
}

async function readVersion (
  context: ReadContext, key: string, { ifNoneMatch, maxBytes = Infinity }: GetOptions
): Promise<ObjectBody | 'unchanged' | 'changed' | undefined> {
  const { files, clock } = context
  const now = clock()
  const opened = await openFile(context, key)
  if (opened === undefined) return undefined
  const { file, stats } = opened
  try {
    const info = infoOf(key, stats, now)
    if (info.etag === ifNoneMatch && !info.racy) return 'unchanged'
    if (info.size > maxBytes) throw new StoreError('too_large', `more than ${maxBytes} bytes`)
    const body = await readBytes(files, file, info.size)
    if (etagOf(await files.fstat(file)) !== info.etag) return 'changed'
    const growing = growingMs(stats, now)
    return { ...info, body, ...growing !== undefined && { growingMs: growing } }
  } finally {
    files.close(file)
  }
}

/** Reads at most `size` bytes from the start: a file that grows in the meantime does not fill the memory. */
async function readBytes (files: Files, file: number, size: number): Promise<Buffer> {
  const buffer = Buffer.alloc(size)
  let length = 0
  while (length < size) {
    const bytesRead = await files.read(file, buffer, length, size - length, length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return buffer
}

/** As `ObjectStore.stream`. Each read of the stream has `readMs` milliseconds. */
export async function streamObject (
  context: ReadContext, key: string, { ifMatch, range }: StreamOptions, { disk, readMs }: { readonly disk: Disk, readonly readMs: number }
): Promise<ObjectStream | undefined> {
  const now = context.clock()
  const opened = await openFile(context, key)
  if (opened === undefined) return undefined
  const { file, stats } = opened
  const info = infoOf(key, stats, now)
  const isOther = Boolean(ifMatch) && ifMatch !== info.etag
  if (isOther || (range && range.first >= info.size)) {
    context.files.close(file)
    throw isOther
      ? new StoreError('precondition_failed', 'the object has changed in the meantime')
      : new StoreError('store_error', 'the range begins after the end of the file')
  }
  const body = createReadStream('', { fd: file, start: range?.first ?? 0, ...range && { end: range.last }, fs: streamCalls(disk, readMs, context.files) })
  return { ...info, body }
}

type ReadCallback = (error: Error | null, bytesRead?: number, buffer?: Buffer) => void

/** The file system calls of a ReadStream. Each read has a time limit of `readMs` milliseconds. */
function streamCalls (disk: Disk, readMs: number, files: Files) {
  return {
    read: (file: number, buffer: Buffer, offset: number, length: number, position: number, callback: ReadCallback) => {
      disk.within(readMs, async (files) => await files.read(file, buffer, offset, length, position))
        .then((bytesRead) => callback(null, bytesRead, buffer), callback)
    },
    close: (file: number, callback: (error: null) => void) => {
      files.close(file)
      callback(null)
    }
  }
}
