import { parse } from 'csv-parse/sync'
import t from 'tap'
import { build, csv } from '../support/app.js'

t.test('CSV can have a byte order mark, another delimiter and escaped formulas, for spreadsheets', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv('=1+1', 'Łę;x', -5), '2.csv': csv('Bo', 'Ray', 7) } })
  const get = async (url: string) => await app.inject(url)
  t.equal((await get('/data.csv?bom=true&limit=1&columns=user_id')).body, '\ufeffuser_id\r\n1\r\n')
  t.equal((await get('/data.csv?bom=false&columns=user_id')).body, 'user_id\r\n1\r\n2\r\n')
  t.equal((await get('/data.csv?delimiter=;&columns=user_id,last_name')).body, 'user_id;last_name\r\n1;"Łę;x"\r\n2;Ray\r\n')
  for (const tab of ['%09', '\\t']) t.equal((await get(`/data?format=csv&delimiter=${tab}&columns=user_id,birthts`)).body, 'user_id\tbirthts\r\n1\t-5\r\n2\t7\r\n')
  t.equal((await get('/data.csv?escape_formulas=true&columns=first_name,birthts')).body, "first_name,birthts\r\n'=1+1,-5\r\nBo,7\r\n")
  const all = await get('/data.csv?escape_formulas=true&bom=true&delimiter=%20|%20')
  t.same(parse(all.body, { bom: true, delimiter: ' | ' })[1], ['1', "'=1+1", 'Łę;x', '-5', ''])
  t.not((await get('/data.csv?bom=true')).headers.etag, (await get('/data.csv')).headers.etag)
})

t.test('the pages of a CSV keep its options', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv(), '2.csv': csv() } })
  const first = await app.inject('/data.csv?delimiter=;&columns=user_id,birthts&limit=1')
  const next = /^<([^>]+)>/.exec(String(first.headers.link))![1]!
  t.equal((await app.inject(next)).body, 'user_id;birthts\r\n2;0\r\n')
})

t.test('CSV options are rejected for other formats, and if they are invalid', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  const cases: [url: string, parameter: string, detail: string][] = [
    ['/data?bom=true', 'bom', 'applies to CSV only; use format=csv'],
    ['/data?delimiter=;&format=ndjson', 'delimiter', 'applies to CSV only; use format=csv'],
    ['/data?escape_formulas=false', 'escape_formulas', 'applies to CSV only; use format=csv'],
    ['/data.csv?delimiter=%22', 'delimiter', 'got "\\""; must be 1 to 8 characters other than letters, digits, double quotes and line breaks; \\t is a tab'],
    ['/data.csv?delimiter=tab', 'delimiter', 'got "tab"; must be 1 to 8 characters other than letters, digits, double quotes and line breaks; \\t is a tab'],
    ['/data.csv?delimiter=Comma', 'delimiter', 'got "Comma"; must be 1 to 8 characters other than letters, digits, double quotes and line breaks; \\t is a tab; use ,'],
    ['/data.csv?delimiter=', 'delimiter', 'got ""; must be 1 to 8 characters other than letters, digits, double quotes and line breaks; \\t is a tab'],
    ['/data.csv?bom=yes', 'bom', 'got "yes"; must be true, false, 1 or 0']
  ]
  for (const [url, parameter, detail] of cases) {
    const { statusCode, body } = await app.inject(url)
    t.equal(statusCode, 400, url)
    t.same(JSON.parse(body).errors, [{ parameter, detail }])
  }
  t.match((await app.inject('/data.ndjson?bom=true')).json(), { errors: [{ parameter: 'bom', detail: /^unknown parameter/ }] })
})

t.test('browsers save CSV and NDJSON under a file name, and show JSON', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  const nameOf = async (url: string, headers = {}) => (await app.inject({ url, headers })).headers['content-disposition']
  t.equal(await nameOf('/data.csv'), 'attachment; filename="data.csv"')
  t.equal(await nameOf('/data.ndjson'), 'attachment; filename="data.ndjson"')
  t.equal(await nameOf('/data?format=csv'), 'attachment; filename="data.csv"')
  t.equal(await nameOf('/data', { accept: 'text/csv' }), 'attachment; filename="data.csv"')
  t.equal(await nameOf('/data'), undefined)
})
