import fs, { type BigIntStats } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { timeout, type Disk, type Files } from './files.js'

/** The event loop gets its turn after as many pieces of work. */
const WORK_PER_TURN = 100

/**
 * For a thread that serves no requests: calls block it, which costs a fifth of what libuv's thread pool costs. A call that never returns
 * blocks the thread; one that returns too late fails with `timeout`.
 */
export class BlockingDisk implements Disk {
  #works = 0

  async within<T> (ms: number, work: (files: Files) => Promise<T>): Promise<T> {
    if (++this.#works % WORK_PER_TURN === 0) await setImmediate()
    return await work(new BlockingFiles(performance.now() + ms))
  }
}

class BlockingFiles implements Files {
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

  #inTime<T> (result: T): T {
    if (performance.now() > this.#end) throw timeout()
    return result
  }
}
