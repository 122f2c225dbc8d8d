import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { SchemaDescriptor } from '../../lib/schema/descriptor.js'
import { RESERVED_PARAMETERS } from '../../routes/http/parameters.js'
import { build, csv, PNG } from '../support/app.js'

/** A column of each type, a key of its own, and neither births nor images. */
const DEVICES: SchemaDescriptor = {
  title: 'Devices',
  fields: [
    { name: 'device', type: 'string', source: 'key' },
    { name: 'model', type: 'string' },
    { name: 'ports', type: 'integer', constraints: { enum: ['8', 16] } },
    { name: 'height', type: 'number', decimalChar: ',' },
    { name: 'on', type: 'boolean', trueValues: ['yes'], falseValues: ['no'] },
    { name: 'sold', type: 'date', format: '%d.%m.%Y', example: '26.01.2024' },
    { name: 'seen', type: 'datetime' }
  ]
}
const HEADER = 'model|ports|height|on|sold|seen|room'
const device = (row: string) => `${HEADER}\n${row}\n`
const devices = {
  'a.csv': device('X-1|8|1,5|yes|26.01.2024|2024-01-26T15:00:00Z|7'),
  'b.csv': device('x-2|16|-0,25|no|02.02.2023|2024-01-26T15:00:00.5+02:00|'),
  'c.csv': device('||||||8'),
  'd.csv': device('Y, or Z|8|1e21|yes|26.01.2024|2024-01-26T15:00:00Z|7')
}
const DEVICE_SETTINGS = { INPUT_DELIMITER: '|' }

const PETS: SchemaDescriptor = {
  fields: [
    { name: 'name', type: 'string', constraints: { required: true } },
    { name: 'born', type: 'date', role: 'birth' },
    { name: 'photo', type: 'string', source: 'image', extensions: ['png'] }
  ]
}
const pets = {
  'rex.csv': 'name,born\nRex,2015-06-01\n', 'rex.png': PNG, 'tom.csv': 'name,born\nTom,2020-02-29\n', 'kit.csv': 'name,born\nKit,\n', 'kit.jpg': PNG
}

const getter = (app: FastifyInstance) => async (url: string) => (await app.inject(url)).json()

t.test('a lake of any columns has their values as JSON, whole, selected and one by one', async (t) => {
  const { app } = await build(t, { files: devices, schema: DEVICES, settings: DEVICE_SETTINGS })
  const get = getter(app)
  const a = { device: 'a', model: 'X-1', ports: 8, height: 1.5, on: true, sold: '2024-01-26', seen: '2024-01-26T15:00:00.000Z' }
  const c = { device: 'c', model: null, ports: null, height: null, on: null, sold: null, seen: null }
  const all = await get('/data')
  t.same([all[0], all[2]], [a, c])
  t.same(await get('/data/a'), a)
  t.same(await get('/data/a?columns=*'), { ...a, room: '7' })
  t.same(await get('/data/b?columns=seen,room,device'), { seen: '2024-01-26T13:00:00.500Z', room: '', device: 'b' })
  t.equal((await app.inject('/data.csv?columns=*&device=d')).body, 'device,model,ports,height,on,sold,seen,room\r\nd,"Y, or Z",8,1e+21,true,2024-01-26,2024-01-26T15:00:00.000Z,7\r\n')
  t.match(await get('/data/a?columns=colour'), { status: 400, errors: [{ parameter: 'columns', detail: /unknown column colour/ }] })
  t.match(await get('/data/e'), { status: 404, detail: 'There is no record "e"' })
})

t.test('every declared column is a parameter of its name and type; repeated, it selects any of the values', async (t) => {
  const { app } = await build(t, { files: devices, schema: DEVICES, settings: DEVICE_SETTINGS })
  const table: [search: string, ids: string[]][] = [
    ['device=b&device=a', ['a', 'b']], ['device=A', []],
    ['model=x-1', ['a']], ['model=x*', ['a', 'b']], ['model=Y*&model=X-2', ['b', 'd']], ['model=y*&model=x-1*', ['a', 'd']], ['model=x-1&model=X-2', ['a', 'b']],
    ['ports=8', ['a', 'd']], ['ports=8.0&ports=16', ['a', 'b', 'd']], ['ports=1.6e1', ['b']],
    ['height=1.50', ['a']], ['height=-25e-2', ['b']], ['height=1e21', ['d']],
    ['on=true', ['a', 'd']], ['on=0', ['b']], ['on=TRUE&on=false', ['a', 'b', 'd']],
    ['sold=2024-01-26', ['a', 'd']], ['sold=2023-02-02&on=true', []],
    ['seen=2024-01-26T15:00:00Z', ['a', 'd']], ['seen=2024-01-26T14:00:00.500%2B01:00', ['b']], ['seen=2024-01-26T14:00:00.5+01:00', ['b']],
    ['where=room=7&ports=8', ['a', 'd']], ['where=seen>=2024-01-26&where=seen<2024-01-27', ['a', 'b', 'd']], ['where=seen<=2024-01-26', []], ['where=seen>2024-01-27', []], ['where=seen>2024-01-25', ['a', 'b', 'd']], ['where=model=Y, or Z', ['d']]
  ]
  for (const [search, ids] of table) {
    const records = (await app.inject(`/data?${search}`)).json()
    t.same(records.map(({ device }: { device: string }) => device), ids, search)
    t.same((await app.inject(`/stats?${search}`)).json(), { count: ids.length }, search)
  }
})

t.test('a value of another type is a 400 that names what is accepted', async (t) => {
  const { app } = await build(t, { files: devices, schema: DEVICES, settings: DEVICE_SETTINGS })
  const table: [search: string, parameter: string, detail: RegExp][] = [
    ['ports=eight', 'ports', /^got "eight"; must be an integer from -9007199254740991 to 9007199254740991; for several values, repeat the parameter$/],
    ['ports=8.5', 'ports', /an integer/], ['ports=8,16', 'ports', /for several values, repeat/], ['ports=9007199254740993', 'ports', /an integer/], ['ports=8*', 'ports', /an integer/],
    ['height=', 'height', /^got ""; must be a finite number such as -1\.5; use where=!height for records without a value$/], ['sold=null', 'sold', /; use where=!sold for records without a value$/],
    ['height=1,5', 'height', /^got "1,5"; must be a finite number such as -1\.5; use 1\.5; for several values, repeat the parameter$/], ['height=3.000,50', 'height', /; use 3000\.50; for several/], ['height=3,000.50', 'height', /; use 3000\.50; for several/], ['where=height>-1,8', 'where', /such as -1\.5; use -1\.8$/], ['where=height>1,8,2', 'where', /such as -1\.5$/], ['height=NaN', 'height', /finite/], ['height=1e999', 'height', /finite/],
    ['on=yes', 'on', /^got "yes"; must be true, false, 1 or 0; use on=true$/], ['on=no', 'on', /; use on=false$/], ['where=on!=yes', 'where', /must be true, false, 1 or 0; use on!=true$/], ['on=maybe', 'on', /1 or 0; for several values, repeat the parameter$/],
    ['height=>1000', 'height', /^got ">1000"; must be a finite number such as -1\.5; use where=height>1000$/], ['height=!=1', 'height', /; use where=height!=1$/], ['height=100..200', 'height', /; use where=height>=100&where=height<=200$/],
    ['ports=8-16', 'ports', /; use where=ports>=8&where=ports<=16$/], ['sold=<=2024-01-26', 'sold', /; use where=sold<=2024-01-26$/], ['height=>x', 'height', /such as -1\.5; for several values, repeat the parameter$/], ['sold=26.01.2024', 'sold', /a date such as 2024-01-26; use 2024-01-26$/], ['sold=26/01/2024', 'sold', /a date such as 2024-01-26; for several values, repeat the parameter$/], ['sold=2024-02-30', 'sold', /a date such as 2024-01-26; there is no such day$/], ['seen=2024-02-30T00:00:00Z', 'seen', /such as 2024-01-26T15:00:00Z; there is no such day$/],
    ['sold=2020', 'sold', /a date such as 2024-01-26; use where=sold>=2020-01-01&where=sold<2021-01-01$/], ['sold=2020*', 'sold', /use where=sold>=2020-01-01&where=sold<2021-01-01$/], ['seen=2020-12', 'seen', /use where=seen>=2020-12-01&where=seen<2021-01-01$/],
    ['where=sold=2020-05', 'where', /use where=sold>=2020-05-01&where=sold<2020-06-01$/], ['where=sold^=2020', 'where', /\^= is for text, and sold has values of the type date; use where=sold>=2020-01-01&where=sold<2021-01-01$/], ['where=seen~2020-02-', 'where', /use where=seen>=2020-02-01&where=seen<2020-03-01$/],
    ['where=sold^=2020-05-01', 'where', /; use where=sold=2020-05-01$/], ['where=sold~05', 'where', /the type date; use = != < <= > >=$/], ['where=sold>2020', 'where', /; use where=sold>=2021-01-01$/], ['where=seen<=2020-05', 'where', /; use where=seen<2020-06-01$/], ['where=seen<2020', 'where', /; use where=seen<2020-01-01$/],
    ['where=seen>26.1.2024', 'where', /; use 2024-01-26$/], ['where=sold!=2020', 'where', /a date such as 2024-01-26$/], ['sold=2020-13', 'sold', /a date such as 2024-01-26; for several/],
    ['seen=2024-01-26', 'seen', /^got "2024-01-26"; must be a date and time such as .*; use where=seen>=2024-01-26&where=seen<2024-01-27 for the whole day in UTC$/], ['where=seen=2024-01-26', 'where', /the value of seen must be a date and time such as .*; use where=seen>=2024-01-26&where=seen<2024-01-27 for the whole day in UTC$/],
    ['where=seen!=2024-01-26', 'where', /the value of seen must be a date and time such as [^;]*$/], ['where=seen>2024-02-30', 'where', /a date and time such as [^;]*; there is no such day$/], ['where=sold>6.1.2024', 'where', /a date such as 2024-01-26; use 2024-01-06$/], ['where=sold>26.13.2024', 'where', /a date such as 2024-01-26; there is no such day$/], ['on=', 'on', /got ""/],
    ['model=a*b', 'model', /wildcard at the end only: use where=model~a&where=model~b for values that contain a and b, or use where=model=a\*b/], ['model=a,b', 'model', /repeat the parameter, or use where=model=a,b/],
    ['min_age=3', 'min_age', /^unknown parameter; there are no ages: no field of the schema has "role": "birth"$/], ['image_exists=true', 'image_exists', /^unknown parameter; there are no images: no field of the schema has "source": "image"$/], ['as_of=2024-01-26T15:00:00Z', 'as_of', /unknown parameter/],
    ['user_id=a', 'user_id', /^unknown parameter; use device$/], ['id=a', 'id', /^unknown parameter; use device$/], ['warehouse_room_number=7', 'warehouse_room_number', /^unknown parameter; this URL accepts device, model, .*, where, q,/]
  ]
  for (const [search, parameter, detail] of table) {
    for (const path of ['/data', '/stats']) t.match((await app.inject(`${path}?${search}`)).json(), { status: 400, errors: [{ parameter, detail }] }, `${path}?${search}`)
  }
})

t.test('a value that the enum of the column does not contain is a 400 that has the values, and the one that is probably meant', async (t) => {
  const letters = [...'abcdefghijklmnopqrstuvwxyz']
  const schema: SchemaDescriptor = {
    fields: [
      { name: 'status', type: 'string', constraints: { enum: ['active', 'retired'] } },
      { name: 'ports', type: 'integer', constraints: { enum: ['8', 16] } },
      { name: 'sold', type: 'date', format: '%d.%m.%Y', constraints: { enum: ['26.01.2024'] } },
      { name: 'letter', type: 'string', constraints: { enum: letters } }
    ]
  }
  const { app } = await build(t, { files: { 'a.csv': 'status,ports,sold,letter\nactive,8,26.01.2024,a\n', 'b.csv': 'status,ports,sold,letter\nretired,16,,b\n' }, schema })
  const table: [search: string, parameter: string, detail: RegExp | string][] = [
    ['status=retird', 'status', 'got "retird"; must be one of "active", "retired"; did you mean retired?'],
    ['status=active&status=x', 'status', /^got "x"; must be one of "active", "retired"$/],
    ['where=status=retird', 'where', 'got "status=retird"; the value of status must be one of "active", "retired"; did you mean retired?'],
    ['where=status=Active', 'where', /did you mean active\?$/],
    ['where=status!=gone', 'where', /^got "status!=gone"; the value of status must be one of "active", "retired"$/],
    ['where=status=', 'where', /must be one of "active", "retired"; use !status for records without a value$/],
    ['ports=0', 'ports', 'got "0"; must be one of "8", "16"'], ['where=ports=9', 'where', /must be one of "8", "16"/],
    ['sold=2024-01-27', 'sold', /^got "2024-01-27"; must be one of "2024-01-26"; did you mean 2024-01-26\?$/],
    ['letter=zz', 'letter', /"s", "t" and 6 more, which GET \/schema lists$/]
  ]
  for (const [search, parameter, detail] of table) {
    for (const path of ['/data', '/stats']) t.match((await app.inject(`${path}?${search}`)).json(), { status: 400, errors: [{ parameter, detail }] }, `${path}?${search}`)
  }
  const accepted: [search: string, count: number][] = [
    ['status=RETIRED', 1], ['status=ret*', 1], ['status=x*', 0], ['where=status~tir', 1], ['where=status^=x', 0], ['where=status<b', 1], ['where=ports>9', 1], ['where=ports=8.0', 1], ['sold=2024-01-26', 1]
  ]
  for (const [search, count] of accepted) t.match((await app.inject(`/stats?${search}`)).json(), { count }, search)
})

t.test('records are sorted and paged by columns of any type', async (t) => {
  const { app } = await build(t, { files: devices, schema: DEVICES, settings: DEVICE_SETTINGS })
  const expected: Record<string, string> = { device: 'abcd', model: 'adbc', ports: 'adbc', height: 'badc', on: 'badc', sold: 'badc', seen: 'badc' }
  for (const [column, ids] of Object.entries(expected)) {
    let url = `/data?sort=${column}&limit=1&columns=device`
    let found = ''
    for (let cursor: string | undefined = ''; cursor !== undefined; url = `/data?limit=1&cursor=${cursor}`) {
      const { body, headers } = await app.inject(url)
      found += JSON.parse(body)[0].device
      cursor = headers['next-cursor'] as string | undefined
    }
    t.equal(found, ids, column)
  }
  t.match((await app.inject('/data?sort=-rooom')).json(), { status: 400, errors: [{ parameter: 'sort', detail: 'unknown column rooom; did you mean room?' }] })
})

t.test('without a birth field there are no ages, and without an image field no images', async (t) => {
  const { app, clock } = await build(t, { files: { ...devices, 'a.png': PNG }, schema: DEVICES, settings: DEVICE_SETTINGS })
  const { headers: { etag } } = await app.inject('/stats')
  clock.advance(61_000)
  t.equal((await app.inject({ url: '/stats', headers: { 'if-none-match': etag } })).statusCode, 304, 'the response does not depend on the time')
  t.match(await getter(app)('/data/a/image'), { status: 404, code: 'not_found' })
  t.match(await getter(app)('/stats?bin_width=5'), { status: 400, errors: [{ parameter: 'bin_width' }] })
  t.match(await getter(app)('/rejects'), { counts: { ignored: 1 } })
})

t.test('births can be dates: ages, statistics and images work, also of records without a birth', async (t) => {
  const { app } = await build(t, { files: pets, schema: PETS })
  const get = getter(app)
  t.same(await get('/data'), [
    { user_id: 'kit', name: 'Kit', born: null, photo: null },
    { user_id: 'rex', name: 'Rex', born: '2015-06-01', photo: 'source_data/rex.png' },
    { user_id: 'tom', name: 'Tom', born: '2020-02-29', photo: null }
  ])
  const ids = async (search: string) => (await get(`/data?as_of=2025-02-28T12:00:00Z&${search}`)).map(({ user_id: id }: { user_id: string }) => id)
  t.same(await ids('min_age=5'), ['rex'])
  t.same(await ids('max_age=4'), ['tom'])
  t.same(await ids('image_exists=false'), ['kit', 'tom'])
  t.same(await ids('born=2015-06-01&born=2020-02-29&sort=-born'), ['tom', 'rex'])
  t.same(await ids('photo=source_data/rex.png'), ['rex'])
  t.match(await get('/stats?as_of=2025-02-28T00:00:00Z&bin_width=5'), {
    count: 3, with_image: 1, youngest_age: 4.999315537303217, age_histogram: [{ min_age: 0, max_age: 4, count: 1 }, { min_age: 5, max_age: 9, count: 1 }], as_of: '2025-02-28T00:00:00.000Z'
  })
  t.equal((await app.inject('/data/rex/image')).headers['content-type'], 'image/png')
})

t.test('the output has the declared columns in the order of the schema, and replaces that of another schema', async (t) => {
  const output = 'processed_data/output.csv'
  const files = { ...devices, [output]: 'user_id,first_name\r\n1,Ann\r\n' }
  const { app, bucket } = await build(t, { files, schema: DEVICES, settings: { ...DEVICE_SETTINGS, OUTPUT_FORMATS: 'csv,parquet' } })
  const post = async () => (await app.inject({ method: 'POST', url: '/data' })).json().result
  t.match(await post(), { records: 4, added: 4, removed: 0, skipped: false, warnings: { length: 0 }, other_outputs: [{ skipped: false }] })
  t.equal(bucket.get(output)!.body.toString(), 'device,model,ports,height,on,sold,seen\r\n' +
    'a,X-1,8,1.5,true,2024-01-26,2024-01-26T15:00:00.000Z\r\nb,x-2,16,-0.25,false,2023-02-02,2024-01-26T13:00:00.500Z\r\nc,,,,,,\r\nd,"Y, or Z",8,1e+21,true,2024-01-26,2024-01-26T15:00:00.000Z\r\n')
  t.match(await post(), { records: 4, added: 0, changed: 0, removed: 0, skipped: true })
})

t.test('each image field has its attachment, and /image is that of the first one', async (t) => {
  const schema: SchemaDescriptor = {
    fields: [{ name: 'field', type: 'string', source: 'key' }, { name: 'size', type: 'integer' }, { name: 'front', type: 'string', source: 'image', extensions: ['png'] }, { name: 'back', type: 'string', source: 'image', extensions: ['back.png'] }]
  }
  const other = Buffer.concat([PNG, Buffer.from('back')])
  const { app } = await build(t, { files: { '1.csv': 'size\n1\n', '1.png': PNG, '1.back.png': other, '2.csv': 'size\n2\n', '2.back.png': 'no image' }, schema })
  const get = getter(app)
  t.match(await get('/data'), [{ front: 'source_data/1.png', back: 'source_data/1.back.png' }, { front: null, back: 'source_data/2.back.png' }])
  for (const [url, body] of [['/data/1/image', PNG], ['/data/1/attachments/front', PNG], ['/data/1/attachments/back', other]] as const) {
    const response = await app.inject(url)
    t.ok(response.rawPayload.equals(body), url)
    t.equal((await app.inject({ url, headers: { 'if-none-match': response.headers.etag } })).statusCode, 304)
    t.match(await app.inject({ url, headers: { range: 'bytes=1-3' } }), { statusCode: 206, body: 'PNG' })
    t.equal((await app.inject({ method: 'HEAD', url })).headers['content-length'], String(body.length))
  }
  t.match(await get('/data/2/image'), { status: 404, code: 'image_not_found', detail: 'There is no image of "2"' })
  t.match(await get('/data/3/attachments/back'), { status: 404, detail: 'There is no image of "3" in back' })
  t.match(await get('/data/2/attachments/back'), { status: 415, code: 'unsupported_image' })
  t.match(await get('/data/1/attachments/size'), { status: 404, code: 'image_not_found', detail: 'There is no image field "size"; must be one of front, back' })
  t.same((await get('/data?image_exists=true')).map(({ field }: { field: string }) => field), ['1'], 'image_exists is about the first image')
  t.match((await get('/openapi.json')).paths['/data/{key}/attachments/{field}'].get.parameters, [{ name: 'key', in: 'path' }, { name: 'field', in: 'path' }])
})

t.test('a column with a header of the key field is checked against the file name', async (t) => {
  const schema: SchemaDescriptor = { fields: [{ name: 'serial', type: 'string', source: 'key', header: 'Serien-Nr' }, { name: 'model', type: 'string' }] }
  const { app } = await build(t, { files: { 'a1.csv': 'Serien-Nr,model\na1,x\n', 'a2.csv': 'Serien-Nr,model\na9,x\n', 'a3.csv': 'model\ny\n' }, schema })
  const get = getter(app)
  t.same(await get('/data'), [{ serial: 'a1', model: 'x' }, { serial: 'a3', model: 'y' }])
  t.match((await get('/rejects')).entries, [{ serial: 'a2', code: 'reserved_header', column: 'Serien-Nr' }])
})

t.test('a column with the name of another parameter is filtered by where only', async (t) => {
  const schema: SchemaDescriptor = { fields: [{ name: 'limit', type: 'integer' }, { name: 'sort', type: 'string' }, { name: '__proto__', type: 'string' }] }
  const { app } = await build(t, { files: { '1.csv': 'limit,sort,__proto__\n5,a,x\n', '2.csv': 'limit,sort,__proto__\n1,b,y\n' }, schema })
  const get = getter(app)
  t.equal((await get('/data?limit=1')).length, 1, 'the parameter keeps its meaning')
  t.match(await get('/data?where=limit=1&where=sort=b'), [{ user_id: '2' }])
  t.match(await get('/data?__proto__=x'), [{ user_id: '1' }])
  t.match(await get('/data?sort=b'), { status: 400 })
})

t.test('the key has the name of its field or, where that name is not possible, a neutral name', async (t) => {
  const table: [name: string, path: string, member: string][] = [['device', '/data/{device}', 'device'], ['Device ID', '/data/{key}', 'Device ID'], ['code', '/data/{code}', 'record_key'], ['key', '/data/{key}', 'record_key'], ['bom', '/data/{bom}', 'record_key']]
  for (const [name, path, member] of table) {
    const schema: SchemaDescriptor = { fields: [{ name, type: 'string', source: 'key' }, { name: 'height', type: 'number' }, { name: 'photo', type: 'string', source: 'image' }] }
    const { app } = await build(t, { files: { 'x y.csv': 'height\n1\n', 'x y.png': PNG, 'bad.csv': 'height\ntall\n' }, schema })
    const get = getter(app)
    t.same(await get('/data/x%20y'), { [name]: 'x y', height: 1, photo: 'source_data/x y.png' })
    t.equal((await app.inject('/data/x%20y/image')).statusCode, 200)
    t.same(await get(`/data?${['code', 'bom'].includes(name) ? `where=${name}` : encodeURIComponent(name)}=x+y&columns=height`), [{ height: 1 }])
    const { entries } = await get(`/rejects?${encodeURIComponent(member)}=bad`)
    t.match(entries, [{ [member]: 'bad', code: 'invalid_value' }])
    t.ok((await app.inject('/rejects.csv')).body.startsWith(`${member},key,etag,`))
    const { paths } = await get('/openapi.json')
    t.ok(path in paths && `${path}/image` in paths, path)
  }
})

t.test('the document describes the columns of the schema, and refers to every component that it has', async (t) => {
  for (const schema of [DEVICES, PETS]) {
    const { app } = await build(t, { files: {}, schema })
    const { body } = await app.inject('/openapi.json')
    const { components, paths, info } = JSON.parse(body)
    for (const [kind, named] of Object.entries(components as Record<string, object>)) for (const name of Object.keys(named)) t.ok(body.includes(kind === 'securitySchemes' ? `"${name}": [` : `"#/components/${kind}/${name}"`), name)
    t.notMatch(body, schema === PETS ? /first_name|birthts|img_path/ : /first_name|birthts|img_path|user_id|_age\b|image_exists/, 'nothing of the users lake')
    const names = paths['/data'].get.parameters.map(({ name }: { name: string }) => name)
    for (const { name } of schema.fields) t.ok(names.includes(name), name)
    t.equal(names.includes('min_age'), schema === PETS)
    t.equal('age_histogram' in components.schemas.Statistics.properties, schema === PETS)
    t.equal(info.description.includes('`<device>.csv`'), schema === DEVICES)
  }
  const { app } = await build(t, { files: {}, schema: DEVICES })
  const { components: { schemas: { Record } }, paths } = (await app.inject('/openapi.json')).json()
  t.match(paths['/data'].get.parameters.find(({ name }: { name: string }) => name === 'sold').schema, { items: { format: 'date' }, examples: [['2024-01-26']] }, 'an example is as responses have it')
  t.match(Record.properties, {
    device: { type: 'string' }, ports: { anyOf: [{ type: 'integer', format: 'int64' }, { type: 'null' }], description: 'The column ports; one of `8`, `16`' }, sold: { anyOf: [{ type: 'string', format: 'date' }, { type: 'null' }] }, seen: { anyOf: [{ format: 'date-time' }, {}] }
  })
})

t.test('every parameter that is not a column has a reserved name', async (t) => {
  const { app } = await build(t, { schema: PETS })
  const { paths } = (await app.inject('/openapi.json')).json()
  const columns = PETS.fields.map(({ name }) => name).concat('user_id')
  const names = (Object.values(paths) as Record<string, { parameters: { name: string, in: string }[] }>[]).flatMap((path) => Object.values(path)).flatMap(({ parameters }) => parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name))
  t.same([...new Set([...names, 'format'])].filter((name) => !columns.includes(name) && !RESERVED_PARAMETERS.includes(name)), [])
})

t.test('the default schema accepts repeated names, and filters by birth timestamp and image', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv('Ann', 'Lee', 5), '2.csv': csv('Bob', 'Ray', 6), '2.png': PNG, '3.csv': csv('Cid', 'Lee', 5) } })
  const table: [search: string, ids: string[]][] = [
    ['first_name=ann&first_name=C*', ['1', '3']], ['birthts=5', ['1', '3']], ['birthts=6&birthts=7', ['2']], ['img_path=source_data/2.png', ['2']]
  ]
  for (const [search, ids] of table) t.same((await app.inject(`/data?${search}`)).json().map(({ user_id: id }: { user_id: string }) => id), ids, search)
  for (const value of ['true', 'null', '2']) {
    t.match((await app.inject(`/data?img_path=${value}`)).json(), {
      status: 400, detail: `img_path: got "${value}"; must be the key of an object, which has an extension: use where=img_path for records that have one, where=!img_path for those that have none`
    })
  }
  for (const condition of ['img_path=true', 'img_path!=null', 'img_path=']) {
    t.match((await app.inject(`/data?where=${condition}`)).json(), { status: 400, detail: `where: got "${condition}"; the value of img_path must be the key of an object, which has an extension: use where=img_path for records that have one, where=!img_path for those that have none` })
  }
  for (const condition of ['img_path=a.png', 'img_path~true', 'img_path^=true', 'img_path>true']) t.match((await app.inject(`/stats?where=${condition}`)).json(), { count: 0 }, condition)
})

t.test('a path of a record with the extension of an image gets the path of that image, if it exists', async (t) => {
  const schema: SchemaDescriptor = { fields: [{ name: 'photo', type: 'string', source: 'image', extensions: ['png'] }, { name: 'front', type: 'string', source: 'image', extensions: ['front.jpg'] }] }
  const { app } = await build(t, { files: { 'TK-1.json': '{}', 'TK-1.front.jpg': PNG, 'TK-1.png': PNG, 'TK-2.json': '{}', 'a.front.json': '{}' }, schema })
  const table: [id: string, path: string | undefined][] = [
    ['TK-1.front.jpg', '/data/TK-1/attachments/front'], ['TK-1.FRONT.JPG', '/data/TK-1/attachments/front'], ['TK-1.png', '/data/TK-1/image'], ['TK-1.jpg', '/data/TK-1'], ['TK-2.front.jpg', '/data/TK-2'],
    ['TK-2.png', '/data/TK-2'], ['TK-3.front.jpg', undefined], ['a.front.jpg', '/data/a.front']
  ]
  for (const [id, path] of table) {
    t.equal((await app.inject(`/data/${id}`)).json().detail, `There is no record "${id}"${path === undefined ? '' : `; did you mean ${path}?`}`)
    if (path !== undefined) t.equal((await app.inject(path)).statusCode, 200, path)
  }
})

t.test('a text that stands for a missing value gets the condition for records without one', async (t) => {
  const schema: SchemaDescriptor = {
    missingValues: ['', 'k.A.'],
    fields: [{ name: 'weight', type: 'number', missingValues: ['NA'] }, { name: 'sold', type: 'date' }, { name: 'status', type: 'string', constraints: { enum: ['new'] } }, { name: 'size', type: 'number', constraints: { required: true } }]
  }
  const { app } = await build(t, { files: { '1.csv': 'weight,sold,status,size\nNA,k.A.,k.A.,1\n' }, schema })
  const table: [search: string, detail: RegExp][] = [
    ['weight=NA', /^weight: got "NA"; must be a finite number such as -1\.5; use where=!weight for records without a value$/], ['where=weight=NA', /^where: got "weight=NA"; .*; use !weight for records without a value$/],
    ['where=weight>NA', /; use !weight for records/], ['weight=k.A.', /; for several values, repeat the parameter$/], ['sold=k.A.', /; use where=!sold for records/], ['where=sold!=k.A.', /; use !sold for records/],
    ['status=k.A.', /must be one of "new"; use where=!status for records/], ['where=status=k.A.', /must be one of "new"; use !status for records/], ['size=NA', /such as -1\.5; for several values, repeat the parameter$/]
  ]
  for (const [search, detail] of table) t.match((await app.inject(`/data?${search}`)).json(), { status: 400, detail }, search)
})

t.test('a parameter that names the existence of a column gets the condition for it', async (t) => {
  const schema: SchemaDescriptor = { fields: [{ name: 'name', type: 'string' }, { name: 'front', type: 'string', source: 'image', extensions: ['front.png'] }, { name: 'label', type: 'string', source: 'image', extensions: ['png'] }] }
  const { app } = await build(t, { files: { '1.csv': 'name,room\nA,7\n' }, schema })
  t.equal((await app.inject('/data')).statusCode, 200, 'the columns are known')
  const table: [search: string, hint: string][] = [
    ['label_exists=true', 'use where=label'], ['label_exists=false', 'use where=!label'], ['has_label=true', 'use where=label'], ['has_label=0', 'use where=!label'], ['with_front=1', 'use where=front'],
    ['is_label_exists=true', 'use where=label'], ['room_exists=true', 'use where=room'], ['has_image=true', 'use image_exists'], ['image_exist=true', 'did you mean image_exists?']
  ]
  for (const [search, hint] of table) t.equal((await app.inject(`/data?${search}`)).json().detail, `${search.split('=')[0]!}: unknown parameter; ${hint}`, search)
})
