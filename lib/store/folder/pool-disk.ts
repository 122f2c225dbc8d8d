import fs, { type BigIntStats } from 'node:fs'
import { timeout, type Disk, type Files } from './files.js'

/** The asynchronous calls of node:fs that reads use. */
export type FileSystem = Pick<typeof fs, 'open' | 'fstat' | 'lstat' | 'read' | 'close'> & { readonly realpath: Pick<typeof fs.realpath, 'native'> }

/**
 * The maximum number of concurrent calls. Each call occupies a thread of libuv's pool, which has four threads for the whole process, also for
 * gzip and DNS. A call to a network mount that does not respond occupies its thread forever.
 */
const MAX_CALLS = 2

type Callback<T> = (error: NodeJS.ErrnoException | null, result: T) => void

/** A disk for a thread that serves requests: calls run in libuv's thread pool and do not block the event loop, even if they never return. */
export class PoolDisk implements Disk {
  readonly fs: FileSystem
  readonly #waiting = new Set<() => void>()
  #running = 0

  constructor (fileSystem: FileSystem = fs) {
    this.fs = fileSystem
  }

  async within<T> (ms: number, work: (files: Files) => Promise<T>): Promise<T> {
    const files = new PoolFiles(this)
    const timer = setTimeout(() => files.expire(), ms)
    try {
      return await Promise.race([work(files), files.expired])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Starts the call as soon as fewer than MAX_CALLS run. Returns a function that cancels a call that has not started, and returns whether it did. */
  schedule (call: (done: () => void) => void): () => boolean {
    const start = () => {
      this.#waiting.delete(start)
      this.#running++
      call(() => {
        this.#running--
        const [next] = this.#waiting
        next?.()
      })
    }
    if (this.#running < MAX_CALLS) start()
    else this.#waiting.add(start)
    return () => this.#waiting.delete(start)
  }
}

class PoolFiles implements Files {
  /** Never fulfilled; rejected once the time limit is over. */
  readonly expired: Promise<never>
  readonly #disk: PoolDisk
  #isExpired = false
  #rejectExpired: (error: Error) => void = () => {}
  #cancel = () => {}

  constructor (disk: PoolDisk) {
    this.#disk = disk
    this.expired = new Promise((_resolve, reject) => { this.#rejectExpired = reject })
  }

  /** Must be called when the time limit is over: a waiting call is cancelled, and the result of a running one is discarded. */
  expire (): void {
    this.#isExpired = true
    this.#cancel()
    this.#rejectExpired(timeout())
  }

  realpath (path: string): Promise<string> {
    return this.#call((fs, callback) => fs.realpath.native(path, callback))
  }

  lstat (path: string): Promise<BigIntStats> {
    return this.#call((fs, callback) => fs.lstat(path, { bigint: true }, callback))
  }

  open (path: string, flags: number): Promise<number> {
    return this.#call((fs, callback) => fs.open(path, flags, callback), (file) => this.close(file))
  }

  fstat (file: number): Promise<BigIntStats> {
    return this.#call((fs, callback) => fs.fstat(file, { bigint: true }, callback))
  }

  read (file: number, buffer: Buffer, offset: number, length: number, position: number): Promise<number> {
    return this.#call((fs, callback) => fs.read(file, buffer, offset, length, position, callback))
  }

  close (file: number): void {
    this.#disk.fs.close(file, () => {})
  }

  /** @param discard releases a result that arrives after the time limit */
  #call<T> (call: (fs: FileSystem, callback: Callback<T>) => void, discard: (result: T) => void = () => {}): Promise<T> {
    if (this.#isExpired) return Promise.reject(timeout())
    return new Promise((resolve, reject) => {
      const cancel = this.#disk.schedule((done) => call(this.#disk.fs, (error, result) => {
        done()
        if (error !== null) return reject(error)
        if (!this.#isExpired) return resolve(result)
        discard(result)
        reject(timeout())
      }))
      this.#cancel = () => { if (cancel()) reject(timeout()) }
    })
  }
}
