import { Worker } from 'node:worker_threads'
import type { SourceState } from '../source/source-state.js'
import { loadCodec } from './load-codec.js'
import type { SnapshotProblem } from './snapshot.js'

/** The input of the thread. */
export interface DecodeData { readonly bytes: ArrayBuffer, readonly identity: string }

/** Bytes. A smaller snapshot is decoded in less time than a thread takes to start. */
const MIN_THREAD_BYTES = 4 * 1024 * 1024

/**
 * Decodes a snapshot as `decodeSnapshot` does. A large snapshot is decoded in a separate thread, so that the listing continues in the meantime. The
 * memory of `file` is transferred, so `file` must not be used afterwards. Rejects if the thread fails, for example because there is not enough memory.
 */
export async function decodeInThread (file: Buffer, identity: string): Promise<SourceState | SnapshotProblem> {
  if (file.length < MIN_THREAD_BYTES) {
    const { decodeSnapshot } = await loadCodec()
    return decodeSnapshot(file, identity)
  }
  const ownsBuffer = file.byteLength === file.buffer.byteLength
  const bytes = (ownsBuffer ? file : Uint8Array.from(file)).buffer as ArrayBuffer
  const thread = new Worker(new URL('./decode-thread.js', import.meta.url), { workerData: { bytes, identity } satisfies DecodeData, transferList: [bytes] })
  return await new Promise((resolve, reject) => {
    thread.once('message', resolve)
    thread.once('error', reject)
    thread.once('exit', (code) => reject(new Error(`The thread that decodes the snapshot exited with code ${code}`)))
  })
}
