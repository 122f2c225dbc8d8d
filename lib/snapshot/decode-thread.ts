import { parentPort, workerData } from 'node:worker_threads'
import type { DecodeData } from './decode-in-thread.js'
import { decodeSnapshot } from './snapshot.js'

// The entry point of the thread that `decodeInThread` starts. It decodes one snapshot and exits.

const { bytes, identity } = workerData as DecodeData
parentPort!.postMessage(decodeSnapshot(Buffer.from(bytes), identity))
