import fsPromises from 'node:fs/promises'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import t from 'tap'
import { FolderStore } from '../../lib/store/folder/folder-store.js'
import { build, csv, type LogLine } from '../support/app.js'
import { testFolder } from '../support/test-folder.js'
import { until } from '../support/until.js'

t.test('a full disk: the data is served, the output stays as it was, no partial file remains, and the next job publishes', async (t) => {
  const root = testFolder(t, { source_data: { '1.csv': csv() } })
  const log: LogLine[] = []
  const store = new FolderStore(root)
  const { app, clock } = await build(t, { store: () => store, log })
  const post = async () => (await app.inject({ method: 'POST', url: '/data' })).json()
  t.match(await post(), { state: 'succeeded' })
  const warns = async () => {
    const { status, details } = (await app.inject('/readyz')).json()
    t.equal(status, 'ready')
    return details.some(({ code }: Record<string, string>) => code === 'output_not_writable')
  }
  const output = () => readFileSync(join(root, 'processed_data/output.csv'), 'utf8')
  const before = output()
  writeFileSync(join(root, 'source_data/2.csv'), csv('Bob'))
  clock.advance(3000)
  let isFull = true
  const { writeFile } = fsPromises
  fsPromises.writeFile = async (file, body) => {
    // The files of a store are written through an open file.
    if (!isFull || typeof file !== 'object') return await writeFile(file, body)
    await writeFile(file, 'part of the body')
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  }
  syncBuiltinESMExports()
  t.teardown(() => {
    fsPromises.writeFile = writeFile
    syncBuiltinESMExports()
  })
  t.match(await post(), { status: 503, code: 'store_error' })
  t.match(log.find(({ msg }) => /^Job failed/.test(String(msg))), { cause: /output\.csv: the disk is full \(ENOSPC\)/ })
  t.equal(output(), before)
  // The snapshot may be written at the same time.
  await until(() => readdirSync(join(root, '.userlake/tmp')).length === 0)
  t.equal((await app.inject('/data')).json().length, 2)
  t.ok(await warns())
  isFull = false
  t.match(await post(), { state: 'succeeded', result: { records: 2 } })
  t.notOk(await warns())
  t.match(output(), 'Bob')
})
