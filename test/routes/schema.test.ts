import t from 'tap'
import { parseSchema } from '../../lib/schema/schema.js'
import { build, csv } from '../support/app.js'

t.test('GET /schema is the schema in force with its defaults, and can be used as a schema file', async (t) => {
  const schema = { title: 'Trees', description: 'A tree a file', fields: [{ name: 'height', type: 'number', constraints: { minimum: 0 } }, { name: 'photo', type: 'string', source: 'image' }, { name: 'scan', type: 'string', source: 'image', extensions: ['gif'] }] } as const
  const { app } = await build(t, { files: { '1.csv': 'height\n1.5\n' }, schema, settings: { IMAGE_EXTENSIONS: 'JPG,png,gif' } })
  const response = await app.inject('/schema')
  t.same(response.json(), {
    title: 'Trees',
    description: 'A tree a file',
    fields: [{ name: 'user_id', type: 'string', source: 'key' }, schema.fields[0], { ...schema.fields[1], extensions: ['jpg', 'png'] }, schema.fields[2]],
    fieldsMatch: 'subset',
    missingValues: [''],
    primaryKey: 'user_id',
    undeclared_columns: []
  })
  const again = await build(t, { schema: parseSchema(response.body).descriptor })
  const { undeclared_columns: _, ...rest } = (await again.app.inject('/schema')).json()
  t.match(response.json(), rest)
})

t.test('GET /schema counts the records that have each undeclared column', async (t) => {
  const extra = (header: string, row: string) => `first_name,last_name,birthts,${header}\nAnn,Lee,0,${row}\n`
  const { app, bucket, fresh } = await build(t, { files: { '1.csv': extra('city,Age', 'Rome,'), '2.csv': extra('city', 'Oslo'), '3.csv': csv() } })
  const { headers: { etag, vary } } = await app.inject('/schema')
  t.same((await app.inject('/schema')).json().undeclared_columns, [{ name: 'Age', records: 1 }, { name: 'city', records: 2 }], 'an empty text is a value')
  t.equal(vary, 'accept-encoding')
  t.equal((await app.inject({ url: '/schema', headers: { 'if-none-match': etag } })).statusCode, 304)
  t.equal((await app.inject({ url: '/schema', headers: { 'accept-encoding': 'gzip' } })).headers['content-encoding'], 'gzip')
  t.equal((await app.inject({ method: 'HEAD', url: '/schema' })).headers.etag, etag)
  bucket.delete('source_data/1.csv')
  t.same((await fresh('/schema')).json.undeclared_columns, [{ name: 'city', records: 1 }])
  t.not((await app.inject('/schema')).headers.etag, etag)
  t.match((await app.inject('/schema?x=1')).json(), { status: 400, errors: [{ parameter: 'x' }] })
})
