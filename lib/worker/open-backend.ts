import type { Clock, MonotonicClock } from '../base/clock.js'
import type { ObjectStore } from '../store/object-store.js'
import { EngineBackend } from './engine-backend.js'
import { InProcessBackend, type LakeRules } from './in-process-backend.js'
import type { LakeBackend } from './lake-backend.js'
import { SharingBackend } from './sharing-backend.js'

/** What a backend depends on, besides its rules. */
export interface BackendOptions {
  readonly store: ObjectStore
  readonly monotonic: MonotonicClock
  readonly wallClock: Clock
  /** Whether to start to read what the first reconcile needs. */
  readonly preload?: boolean
}

/** Opens a backend in the calling thread; if the rules require it, one that shares its listings with other replicas. The caller closes the store. */
export function openBackend (rules: LakeRules, { store, monotonic, wallClock, preload = false }: BackendOptions): LakeBackend {
  if (rules.engine !== undefined) return new EngineBackend(store, rules, rules.engine, { clock: monotonic, wallClock })
  const inner = new InProcessBackend(store, monotonic, rules)
  if (preload) inner.preload()
  if (rules.sharing === undefined) return inner
  const backend = new SharingBackend(inner, { store, rules, sharing: rules.sharing, clock: monotonic, wallClock })
  if (preload) backend.preload()
  backend.start()
  return backend
}
