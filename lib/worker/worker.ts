import { parentPort } from 'node:worker_threads'
import { serveBackend } from './serve-backend.js'

// The entry point of the worker thread.

serveBackend(parentPort!)
