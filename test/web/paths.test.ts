import t from 'tap'
import { parseSchema } from '../../lib/schema/schema.js'
import { keyMember } from '../../routes/http/key-names.js'
import { imagePath, recordPath, rejectsParameter } from '../../web/paths.js'
import { columnsIn } from './columns.js'

t.test('paths encode keys and names', async (t) => {
  t.equal(recordPath('a b%ü#?'), 'data/a%20b%25%C3%BC%23%3F')
  t.equal(imagePath('1', columnsIn('examples/products/schema.json').byName.get('label')!), 'data/1/attachments/label')
})

t.test('rejects are selected by the parameter that the API has for the key', async (t) => {
  for (const name of ['user_id', 'key', 'etag', 'code', 'detail', 'hint', 'line', 'column', 'excerpt', 'last_good', 'limit', 'cursor', 'format', 'bom', 'delimiter', 'escape_formulas', 'sku']) {
    const schema = parseSchema(JSON.stringify({ fields: [{ name, type: 'string', source: 'key' }, { name: 'x', type: 'string' }] }))
    t.equal(rejectsParameter(name), keyMember(schema), name)
  }
})
