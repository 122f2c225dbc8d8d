import { Worker } from 'node:worker_threads'
import type { SourceState } from '../source/source-state.js'
import { decodeSnapshot, type SnapshotProblem } from './snapshot.js'

/** The input of the thread. */
export interface DecodeData { readonly bytes: ArrayBuffer, readonly identity: string }

/** A smaller snapshot is decoded in less time than a thread takes to start. Bytes. */
const MIN_THREAD_BYTES = 4 * 1024 * 1024

/**
 * Decodes a snapshot like `decodeSnapshot`. A large one is decoded in a thread of its own, so that the listing continues meanwhile; its
 * memory is transferred. Fails if the thread does, for want of memory for one.
 */
export async function decodeInThread (file: Buffer, identity: string): Promise<SourceState | SnapshotProblem> {
  if (file.length < MIN_THREAD_BYTES) return decodeSnapshot(file, identity)
  const ownsBuffer = file.byteLength === file.buffer.byteLength
  const bytes = (ownsBuffer ? file : Uint8Array.from(file)).buffer as ArrayBuffer
  const thread = new Worker(new URL('./decode-thread.js', import.meta.url), { workerData: { bytes, identity } satisfies DecodeData, transferList: [bytes] })
  return await new Promise((resolve, reject) => {
    thread.once('message', resolve)
    thread.once('error', reject)
    thread.once('exit', (code) => reject(new Error(`The thread that decodes the snapshot exited with code ${code}`)))
  })
}
