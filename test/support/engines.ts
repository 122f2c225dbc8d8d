import type { DataVersion, Selection } from '../../lib/query/data-version.js'
import { TableVersion } from '../../lib/query/table-version.js'
import type { Table } from '../../lib/table/table.js'

/** An engine that does some things in another way than the in-process engine. */
export function wrapEngine (override: (version: DataVersion) => Partial<DataVersion>): (table: Table, timeZone: string) => DataVersion {
  return (table, timeZone) => {
    const version = new TableVersion(table, timeZone)
    const overrides = override(version)
    return new Proxy<DataVersion>(version, {
      get (target, name) {
        if (Object.hasOwn(overrides, name)) return Reflect.get(overrides, name)
        const value = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      }
    })
  }
}

/** An engine whose selections are these rows of user ids, streamed batch by batch. */
export function streamingEngine (batches: () => AsyncIterable<readonly (readonly string[])[]>): (table: Table, timeZone: string) => DataVersion {
  return wrapEngine(() => ({
    select: async (): Promise<Selection> => ({ columns: ['user_id'], count: 1_000_000, next: undefined, batches })
  }))
}
