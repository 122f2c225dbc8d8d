import fc from 'fast-check'
import t from 'tap'
import { connect, drop, noClickHouse, openStored } from '../../support/clickhouse.js'
import { runs } from '../../support/property-runs.js'
import { queriesAreThoseOfTheReference, type OpenLake } from '../../support/query-property.js'
import { tableOfAny } from '../../support/tables.js'

t.test('conditions, orders, pages, groups and statistics of any lake are those of the reference', { skip: noClickHouse }, async (t) => {
  const connection = await connect(t)
  const open: OpenLake = async ({ fields, rows }) => {
    await drop(connection)
    return await openStored(connection, tableOfAny(fields, rows))
  }
  await fc.assert(queriesAreThoseOfTheReference(fc.constant(open)), runs(100))
})
