import type { BigIntStats } from 'node:fs'
import { StoreError } from '../object-store.js'

/** A value (from `BlockingDisk`) or a promise of it (from `PoolDisk`). */
export type Awaitable<T> = T | Promise<T>

/** The file system calls that a read needs. They share one time limit; after it they fail with `timeout`. Other failures are system errors. */
export interface Files {
  realpath (path: string): Awaitable<string>
  /** The properties of what is at the path. A link is not followed. */
  lstat (path: string): Awaitable<BigIntStats>
  /** Returns a file descriptor, which the caller closes. */
  open (path: string, flags: number): Awaitable<number>
  fstat (file: number): Awaitable<BigIntStats>
  /** Reads up to `length` bytes, from `position` in the file to `offset` in the buffer. Returns the number of bytes read; 0 at the end of the file. */
  read (file: number, buffer: Buffer, offset: number, length: number, position: number): Awaitable<number>
  /** Never fails: for a file that was only read, an error of `close` loses no data. */
  close (file: number): void
}

/** Runs work on files within a time limit. */
export interface Disk {
  /** Runs `work`. Rejects with `timeout` if it takes more than `ms` milliseconds. */
  within<T> (ms: number, work: (files: Files) => Promise<T>): Promise<T>
}

/** The error of a call that exceeds its time limit. */
export function timeout (): StoreError {
  return new StoreError('timeout', 'the file system does not respond in time')
}
