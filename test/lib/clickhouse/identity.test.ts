import t from 'tap'
import { checkIdentity, encodeIdentity } from '../../../lib/clickhouse/identity.js'
import type { SchemaDescriptor } from '../../../lib/schema/descriptor.js'

const schema: SchemaDescriptor = { fields: [{ name: 'height', type: 'number' }] }
const identity = { lake: 'a', schema, timeZone: 'UTC' }

t.test('a stored identity may lack columns of the schema; anything else that differs is named', async (t) => {
  const wider = { fields: [...schema.fields, { name: 'sold', type: 'date' } as const] }
  checkIdentity(encodeIdentity(identity), { ...identity, schema: wider }, 'The manifest m')
  t.throws(() => checkIdentity(encodeIdentity({ ...identity, schema: wider }), identity, 'The manifest m'), {
    code: 'engine_wrong_database', message: 'The manifest m is for another schema (SCHEMA may only add columns to it)'
  })
  t.throws(() => checkIdentity(encodeIdentity({ lake: 'b', schema: wider, timeZone: 'Asia/Tokyo' }), identity, 'The manifest m'), {
    message: 'The manifest m is for another lake, or for other rules of reading it, and another time zone, and another schema (SCHEMA may only add columns to it)'
  })
})
