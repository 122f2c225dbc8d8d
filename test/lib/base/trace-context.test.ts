import t from 'tap'
import { traceIdOf } from '../../../lib/base/trace-context.js'

const ID = '0af7651916cd43dd8448eb211c80319c'

t.test('a valid traceparent has a trace id', async (t) => {
  t.equal(traceIdOf(`00-${ID}-b7ad6b7169203331-01`), ID)
  t.equal(traceIdOf(`cc-${ID}-b7ad6b7169203331-01-what-a-later-version-adds`), ID)
})

t.test('any other header has no trace id', async (t) => {
  for (const header of [
    undefined, '', ID, [`00-${ID}-b7ad6b7169203331-01`], `ff-${ID}-b7ad6b7169203331-01`, `00-${ID.toUpperCase()}-b7ad6b7169203331-01`, `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-${ID}-${'0'.repeat(16)}-01`, `00-${ID}-b7ad6b7169203331-01-more`, `00-${ID}-b7ad6b7169203331`, `00-${ID}-b7ad6b7169203331-01\n`, `00-${ID}-b7ad6b7169203331-01, 00-${ID}-b7ad6b7169203331-01`
  ]) t.equal(traceIdOf(header), undefined, String(header))
})
