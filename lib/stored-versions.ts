import { Lazy } from './base/lazy.js'
import type { EngineOptions } from './clickhouse/connection.js'
import type { ClickHouseVersion } from './clickhouse/clickhouse-version.js'
import type { SourceState } from './source/source-state.js'

/** Opens the data versions that a cluster has stored, over a connection of its own, not that of the worker. The modules of the engine are loaded when the first version is opened. */
export class StoredVersions {
  readonly #connected
  readonly #onForgotten
  #last: { readonly number: bigint, readonly version: ClickHouseVersion } | undefined

  /** @param onForgotten called with the number of a version each time that a read finds that the cluster no longer has its records */
  constructor (options: EngineOptions, onForgotten: (number: bigint) => void) {
    this.#onForgotten = onForgotten
    this.#connected = new Lazy(async () => {
      const [{ Connection }, { ClickHouseVersion }] = await Promise.all([import('./clickhouse/connection.js'), import('./clickhouse/clickhouse-version.js')])
      return { connection: await Connection.open(options), ClickHouseVersion }
    })
  }

  /** As `OpenVersion`. @throws EngineError */
  async open ({ stored, table: { fields } }: SourceState, timeZone: string): Promise<ClickHouseVersion> {
    if (this.#last?.number === stored!.number) return this.#last.version
    const { connection, ClickHouseVersion } = await this.#connected.get()
    const version = new ClickHouseVersion(connection, { ...stored!, fields, timeZone, onForgotten: () => this.#onForgotten(stored!.number) })
    this.#last = { number: stored!.number, version }
    return version
  }

  async close (): Promise<void> {
    const opened = await this.#connected.begun?.catch(() => undefined)
    await opened?.connection.close()
  }
}
