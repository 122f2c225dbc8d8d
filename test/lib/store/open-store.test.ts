import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { isLakeUrl, lakeUrlHint, openStore } from '../../../lib/store/open-store.js'

process.env['AWS_ACCESS_KEY_ID'] ??= 'test'
process.env['AWS_SECRET_ACCESS_KEY'] ??= 'test'

t.test('an s3: URL opens a bucket', async t => {
  for (const url of ['s3://datalake', 's3://my-bucket.v2', 's3://123']) {
    const store = openStore({ url, env: { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1', AWS_REGION: 'eu-central-1' } })
    t.ok(isLakeUrl(url))
    t.equal(store.url, url)
    await t.rejects(store.head('key'), { name: 'StoreError', code: 'unreachable', message: new RegExp(`^${url}/key: `) })
    await store.close()
  }
})

t.test('a bucket can be closed before its first request', async () => {
  await openStore({ url: 's3://datalake' }).close()
})

t.test('a file: URL opens a folder, by a path relative to the working directory or by an absolute one', async t => {
  const cases = [
    ['file:./lake', join(process.cwd(), 'lake')],
    ['file:lake/deep', join(process.cwd(), 'lake/deep')],
    ['file:../lake', join(process.cwd(), '../lake')],
    ['file:/var/lake', '/var/lake'],
    ['file:///var/lake', '/var/lake'],
    ['file:///var/my%20lake%23', '/var/my lake#']
  ] as const
  for (const [url, path] of cases) {
    const store = openStore({ url })
    t.ok(isLakeUrl(url))
    t.equal(store.url, pathToFileURL(path).href)
  }
})

t.test('the path of a folder in place of a URL is refused with the URL', async t => {
  for (const path of ['/var/lake', './lake', '../lake', '.']) t.throws(() => openStore({ url: path }), { message: `The URL of a lake must be s3://<bucket> or file:<path>; got "${path}"; use file:${path}` })
  for (const other of ['lake', '', '.lake', '/a%20b', '/a?b', '//host/lake']) t.equal(lakeUrlHint(other), '', other)
})

t.test('refuses URLs that do not name a lake', async t => {
  const urls = [
    '', 'lake', 's3:', 's3://', 's3://ab', 's3://Lake', 's3://lake/', 's3://lake/path', 's3://lake?x', 's3://user@lake',
    's3://-lake', `s3://${'x'.repeat(64)}`, 'file:', 'file:lake?x', 'file:lake#x', 'file://host/lake', 'file:a%2Fb', 'http://lake'
  ]
  for (const url of urls) {
    t.notOk(isLakeUrl(url), url)
    t.throws(() => openStore({ url }), { message: `The URL of a lake must be s3://<bucket> or file:<path>; got ${JSON.stringify(url)}` })
  }
})
