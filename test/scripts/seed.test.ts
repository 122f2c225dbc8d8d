import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { main } from '../../scripts/seed.js'
import '../support/file-timeout.js'
import { startS3Endpoint } from '../support/s3-endpoint.js'
import { runMain } from '../support/run-main.js'
import { testFolder } from '../support/test-folder.js'

const FROM = { '1001.csv': 'a', '1001.png': 'b', more: { '1002.csv': 'c' } }

t.test('userlake seed fills a new folder; a second run finds every object unchanged', async t => {
  const dir = testFolder(t, { from: FROM })
  const argv = ['--from', join(dir, 'from'), '--lake', `file:${join(dir, 'lake')}`]
  const first = await runMain(main, argv)
  t.match(first, { code: 0, out: 'uploaded 3, unchanged 0\n', err: /^3\/3, / })
  t.equal(await readFile(join(dir, 'lake/source_data/more/1002.csv'), 'utf8'), 'c')
  t.match(await runMain(main, argv), { code: 0, out: 'uploaded 0, unchanged 3\n' })
  await writeFile(join(dir, 'from/1001.csv'), 'A')
  t.match(await runMain(main, argv), { code: 0, out: 'uploaded 1, unchanged 2\n' })
  t.equal(await readFile(join(dir, 'lake/source_data/1001.csv'), 'utf8'), 'A')
})

t.test('userlake seed fills a new bucket of the server that the environment names', async t => {
  const endpoint = await startS3Endpoint()
  t.teardown(() => endpoint.stop())
  const argv = ['--from', testFolder(t, FROM), '--lake', 's3://datalake', '--prefix', 'in/']
  const env = { AWS_ENDPOINT_URL_S3: endpoint.url }
  t.match(await runMain(main, argv, env), { code: 0, out: 'uploaded 3, unchanged 0\n' })
  const bucket = endpoint.bucket('datalake')
  t.same(bucket.keys(), ['in/1001.csv', 'in/1001.png', 'in/more/1002.csv'])
  t.match(bucket.get('in/1001.png'), { body: Buffer.from('b'), headers: { 'content-type': 'image/png' } })
  bucket.put('in/1001.csv', 'another size')
  bucket.put('in/mine', 'mine')
  endpoint.reset()
  t.match(await runMain(main, argv, env), { code: 0, out: 'uploaded 1, unchanged 2\n' })
  t.match(endpoint.counts, { LIST: 1, GET: 2, PUT: 1, DELETE: 0 })
  t.equal(String(bucket.get('in/mine')?.body), 'mine')
})

for (const [refused, name] of [['HEAD', 'HEAD of the bucket is refused'], ['CREATE', 'its creation is refused']] as const) {
  t.test(`a missing bucket that the credentials may not create is reported: ${name}`, async t => {
    const endpoint = await startS3Endpoint()
    t.teardown(() => endpoint.stop())
    endpoint.intercept = ({ operation, key }) => operation === refused && key === '' ? { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' } : undefined
    t.match(await runMain(main, ['--from', testFolder(t, FROM), '--lake', 's3://datalake'], { AWS_ENDPOINT_URL_S3: endpoint.url }), {
      code: 1, out: '', err: 'seed: s3://datalake: there is no such bucket, and the credentials may not create it: allow s3:CreateBucket, or create it with other credentials\n'
    })
  })
}

t.test('if userlake seed is refused a right, it names the rights that it needs', async t => {
  const endpoint = await startS3Endpoint()
  t.teardown(() => endpoint.stop())
  endpoint.bucket('datalake')
  for (const refused of ['LIST', 'PUT']) {
    endpoint.intercept = ({ operation }) => operation === refused ? { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' } : undefined
    const { code, err } = await runMain(main, ['--from', testFolder(t, FROM), '--lake', 's3://datalake', '--prefix', 'in/'], { AWS_ENDPOINT_URL_S3: endpoint.url })
    t.equal(code, 1)
    t.match(err, /HTTP 403 AccessDenied.*; userlake seed needs s3:ListBucket, s3:GetObject and s3:PutObject on in\/\* and, if the bucket does not exist, s3:CreateBucket\n$/, refused)
  }
})

t.test('userlake seed reports in one line which store cannot be reached', async t => {
  const endpoint = await startS3Endpoint()
  await endpoint.stop()
  const argv = ['--from', testFolder(t, FROM), '--lake', 's3://datalake']
  const { code, out, err } = await runMain(main, argv, { AWS_ENDPOINT_URL: endpoint.url })
  t.match({ code, out }, { code: 1, out: '' })
  t.match(err, /^seed: s3:\/\/datalake.*ECONNREFUSED.*\n$/)
})

t.test('userlake seed fails if one file cannot be uploaded', async t => {
  const endpoint = await startS3Endpoint()
  t.teardown(() => endpoint.stop())
  endpoint.intercept = ({ operation, key }) => operation === 'PUT' && key.endsWith('1002.csv') ? { status: 403 } : undefined
  const argv = ['--from', testFolder(t, FROM), '--lake', 's3://datalake']
  const { code, out, err } = await runMain(main, argv, { AWS_ENDPOINT_URL_S3: endpoint.url })
  t.match({ code, out }, { code: 1, out: '' })
  t.match(err.trimEnd().split('\n').at(-1), /^seed: s3:\/\/datalake\/source_data\/more\/1002\.csv/)
})

t.test('invalid arguments are refused with one line that names them', async t => {
  const dir = testFolder(t, { from: FROM, file: '' })
  const from = ['--from', join(dir, 'from')]
  const lake = ['--lake', `file:${join(dir, 'lake')}`]
  const cases: [string[], string][] = [
    [lake, '--from is missing; see --help'],
    [from, '--lake is missing; see --help'],
    [['--from', 'nowhere', ...lake], "--from: got 'nowhere', which is not a folder"],
    [['--from', join(dir, 'file'), ...lake], `--from: got '${join(dir, 'file')}', which is not a folder`],
    [[...from, '--lake', 'http://x'], "--lake: got 'http://x'; must be s3://<bucket> or file:<folder>"],
    [[...from, ...lake, '--prefix', 'data'], "--prefix: got 'data'; must be empty or end in /; use data/"],
    [[...from, ...lake, '--form', 'x'], 'unknown option --form; did you mean --from?']
  ]
  for (const [argv, message] of cases) {
    t.same(await runMain(main, argv), { code: 2, out: '', err: `seed: ${message}\n` })
  }
  t.notOk((await readdir(dir)).includes('lake'))
})

t.test('--help prints the usage', async t => {
  const { code, out } = await runMain(main, ['--help'])
  t.equal(code, 0)
  for (const name of ['--from', '--lake', '--prefix']) t.match(out, name)
})
