import t from 'tap'
import { build, csv } from '../support/app.js'

t.test('the format is the one that Accept prefers', async (t) => {
  const { app } = await build(t, { files: { '1.csv': csv() } })
  const [json, ndjson, table] = ['application/json', 'application/x-ndjson', 'text/csv']
  const cases: [accept: string, type: string | 406][] = [
    ['*/*', json], ['application/*', json], ['text/*', table], ['text/csv', table], ['application/x-ndjson', ndjson], ['application/ndjson', ndjson],
    ['text/csv; q=0.5, application/json; q=0.9', json], ['application/json; q=0.1, text/csv; q=0.9', table], ['application/json;q=0.1,text/csv;q=0.9', table],
    ['application/json ; q=0.1 , text/csv ;q=0.9', table], ['application/json;\tq=0.1, text/csv', table], ['text/csv;Q=0.1, application/json', json],
    ['application/json; q=0', 406], ['application/json; q=0, */*', ndjson], ['*/*; q=0', 406], ['text/csv; q=0, text/*', 406], ['text/html', 406], ['', 406],
    ['text/csv; charset=utf-8', table], ['text/csv;charset=utf-8; q=0.5, application/json;q=0.1', table], ['text/csv; header=present; charset="utf-8"; q=0.1, application/json', json],
    ['text/csv; x="a,b;q=0", application/json; q=0.1', table], ['text/csv; x="a\\"b, application/json", application/x-ndjson; q=0.5', table], ['application/json; x=";q=0"', json],
    ['text/csv; x="unterminated, application/json', table], ['text/html, text/csv; q=0.2, */*; q=0.1', table], ['APPLICATION/JSON', json]
  ]
  for (const [accept, type] of cases) {
    const response = await app.inject({ url: '/data', headers: { accept } })
    t.equal(response.statusCode === 406 ? 406 : String(response.headers['content-type']).split(';')[0], type, accept)
  }
})
