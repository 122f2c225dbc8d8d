import type { DataVersion, Selection } from '../../lib/query/data-version.js'
import { TableVersion } from '../../lib/query/table-version.js'
import type { OpenVersion } from '../../lib/transformer.js'

/** Opens the in-process engine with some methods or properties replaced. */
export function wrapEngine (override: (version: DataVersion) => Partial<DataVersion>): OpenVersion {
  return ({ table, images }, timeZone) => {
    const inner = new TableVersion(table, timeZone, images)
    return {
      version: inner.version,
      fields: inner.fields,
      columns: inner.columns,
      memory: inner.memory,
      select: (query) => inner.select(query),
      statistics: (query) => inner.statistics(query),
      undeclared: () => inner.undeclared(),
      attachment: (key, field) => inner.attachment(key, field),
      ...override(inner)
    }
  }
}

/** Opens an engine each of whose selections is a stream of these batches of rows, which have the column user_id only. */
export function streamingEngine (batches: () => AsyncIterable<readonly (readonly string[])[]>): OpenVersion {
  return wrapEngine(() => ({
    select: async (): Promise<Selection> => ({ columns: ['user_id'], count: 1_000_000, next: undefined, batches, countAmong: () => 0 })
  }))
}
