import type { TraceContext } from '../base/trace-context.js'
import type { ObjectStore } from './object-store.js'

/** Returns the store with requests that are part of a trace; without a trace, the store itself. */
export function tracedStore (store: ObjectStore, trace: TraceContext | undefined): ObjectStore {
  if (trace === undefined) return store
  return {
    url: store.url,
    get usefulDownloads () { return store.usefulDownloads },
    list: (prefix, options) => store.list(prefix, { ...options, trace }),
    get: (key, options) => store.get(key, { ...options, trace }),
    stream: (key, options) => store.stream(key, { ...options, trace }),
    head: (key) => store.head(key, { trace }),
    put: (key, body, options) => store.put(key, body, { ...options, trace }),
    claim: () => store.claim(),
    create: () => store.create(),
    close: () => store.close()
  }
}
