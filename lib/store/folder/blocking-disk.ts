import fs, { type BigIntStats } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { timeout, type Disk, type Files } from './files.js'

/** After this many calls of `within`, the event loop handles other events. */
const WORK_PER_TURN = 100

/**
 * A disk for a thread that serves no requests. Its calls block the thread, and take a fifth of the CPU time that they would take in libuv's thread pool. A call
 * that never returns blocks the thread forever; a call that returns after the time limit fails with `timeout`.
 */
export class BlockingDisk implements Disk {
  #count = 0

  async within<T> (ms: number, work: (files: Files) => Promise<T>): Promise<T> {
    if (++this.#count % WORK_PER_TURN === 0) await setImmediate()
    return await work(new BlockingFiles(performance.now() + ms))
  }
}

class BlockingFiles implements Files {
  /** The time limit, in milliseconds of `performance.now()`. */
  readonly #end: number

  constructor (end: number) {
    this.#end = end
  }

  realpath (path: string): string {
    return this.#inTime(fs.realpathSync.native(path))
  }

  lstat (path: string): BigIntStats {
    return this.#inTime(fs.lstatSync(path, { bigint: true }))
  }

  open (path: string, flags: number): number {
    const file = fs.openSync(path, flags)
    if (performance.now() <= this.#end) return file
    fs.closeSync(file)
    throw timeout()
  }

  fstat (file: number): BigIntStats {
    return this.#inTime(fs.fstatSync(file, { bigint: true }))
  }

  read (file: number, buffer: Buffer, offset: number, length: number, position: number): number {
    return this.#inTime(fs.readSync(file, buffer, offset, length, position))
  }

  close (file: number): void {
    fs.closeSync(file)
  }

  /** Returns the result of a call that has just ended. @throws StoreError `timeout` if the time limit is exceeded */
  #inTime<T> (result: T): T {
    if (performance.now() > this.#end) throw timeout()
    return result
  }
}
