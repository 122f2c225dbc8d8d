import t from 'tap'
import { childTraceparent, traceOf } from '../../../lib/base/trace-context.js'

const ID = '0af7651916cd43dd8448eb211c80319c'

t.test('a valid traceparent has a trace', async (t) => {
  t.same(traceOf(`00-${ID}-b7ad6b7169203331-01`), { traceId: ID, flags: 1 })
  t.same(traceOf(`00-${ID}-b7ad6b7169203331-00`), { traceId: ID, flags: 0 })
  t.same(traceOf(`cc-${ID}-b7ad6b7169203331-ff-what-a-later-version-adds`), { traceId: ID, flags: 3 }, 'without the flags that version 00 does not have')
})

t.test('any other header has no trace', async (t) => {
  for (const header of [
    undefined, '', ID, [`00-${ID}-b7ad6b7169203331-01`], `ff-${ID}-b7ad6b7169203331-01`, `00-${ID.toUpperCase()}-b7ad6b7169203331-01`, `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-${ID}-${'0'.repeat(16)}-01`, `00-${ID}-b7ad6b7169203331-01-more`, `00-${ID}-b7ad6b7169203331`, `00-${ID}-b7ad6b7169203331-01\n`, `00-${ID}-b7ad6b7169203331-01, 00-${ID}-b7ad6b7169203331-01`
  ]) t.equal(traceOf(header), undefined, String(header))
})

t.test('a request that is sent for another one has the same trace, and a span id of its own', async (t) => {
  for (const trace of [0, 1, 2, 3].map((flags) => ({ traceId: ID, flags }))) t.same(traceOf(childTraceparent(trace)), trace)
  t.equal(new Set(Array.from({ length: 100 }, () => childTraceparent({ traceId: ID, flags: 1 }))).size, 100)
})
