import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { SourceState } from '../source/source-state.js'
import { decodeSnapshot } from './snapshot.js'

/** What a thread is given. */
export interface DecodeData { readonly bytes: ArrayBuffer, readonly identity: string }

/** Bytes of a snapshot that is decoded sooner than a thread starts. */
const SMALL_BYTES = 4 * 1024 * 1024

/** As `decodeSnapshot`; a large file in a thread of its own, which takes its memory over, so that the listing goes on. */
export async function decodeInThread (file: Buffer, identity: string): Promise<SourceState | undefined> {
  if (file.length < SMALL_BYTES) return decodeSnapshot(file, identity)
  const isWhole = file.byteLength === file.buffer.byteLength
  const bytes = (isWhole ? file : Uint8Array.from(file)).buffer as ArrayBuffer
  const thread = new Worker(new URL('./decode-thread.js', import.meta.url), { workerData: { bytes, identity } satisfies DecodeData, transferList: [bytes] })
  const [state] = await once(thread, 'message') as [SourceState | undefined]
  return state
}
