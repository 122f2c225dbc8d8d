import fc from 'fast-check'
import t from 'tap'
import { IndexCache } from '../../../lib/query/index-cache.js'
import { TableVersion } from '../../../lib/query/table-version.js'
import { runs } from '../../support/property-runs.js'
import { queriesAreThoseOfTheReference, type OpenLake } from '../../support/query-property.js'
import { tableOfAny } from '../../support/tables.js'

t.test('conditions, orders, pages, groups and statistics of any lake are those of the reference', async () => {
  const indexes = fc.constantFrom<[maxBytes: number, maxScannedRows: number]>([Infinity, 0], [2000, 0], [0, 0], [Infinity, 1000])
  const open = indexes.map((indexes): OpenLake => ({ fields, rows }) => new TableVersion(tableOfAny(fields, rows), 'UTC', undefined, undefined, new IndexCache(...indexes)))
  await fc.assert(queriesAreThoseOfTheReference(open), runs(600))
})
