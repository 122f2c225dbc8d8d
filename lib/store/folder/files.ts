import type { BigIntStats } from 'node:fs'
import { StoreError } from '../object-store.js'

/** A result that is there already, or one that comes later. */
export type Awaitable<T> = T | Promise<T>

/** The calls of the file system that reading takes, within one time limit: once it is over, they fail with `timeout`. */
export interface Files {
  realpath (path: string): Awaitable<string>
  /** The state of what is at the path, even a link. */
  lstat (path: string): Awaitable<BigIntStats>
  /** The caller closes the file. */
  open (path: string, flags: number): Awaitable<number>
  fstat (file: number): Awaitable<BigIntStats>
  /** Returns the number of bytes that were read. */
  read (file: number, buffer: Buffer, offset: number, length: number, position: number): Awaitable<number>
  /** Does not fail: a file that was only read has nothing to lose. */
  close (file: number): void
}

/** Runs work on files within a time limit. */
export interface Disk {
  /** Runs `work` for at most `ms` milliseconds; then fails with `timeout`. */
  within<T> (ms: number, work: (files: Files) => Promise<T>): Promise<T>
}

export function timeout (): StoreError {
  return new StoreError('timeout', 'the file system does not respond in time')
}
