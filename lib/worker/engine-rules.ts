import type { EngineOptions } from '../clickhouse/connection.js'

/** A cluster that stores the records. Plain data. */
export interface EngineRules {
  readonly options: EngineOptions
  /** The object key of the manifest: the last committed version. */
  readonly manifestKey: string
  /** The age up to which the listing of another process is taken over. */
  readonly maxStalenessMs: number
  /** Versions that are older are forgotten. */
  readonly versionsMaxAgeMs: number
}
