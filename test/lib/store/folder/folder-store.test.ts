import { execFileSync } from 'node:child_process'
import fs, { chmodSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, renameSync, rmSync, statSync, utimesSync, writeFileSync, type BigIntStats } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import t from 'tap'
import { toFolderError } from '../../../../lib/store/folder/folder-error.js'
import { FolderStore } from '../../../../lib/store/folder/folder-store.js'
import { PoolDisk } from '../../../../lib/store/folder/pool-disk.js'
import { streamObject } from '../../../../lib/store/folder/folder-read.js'
import type { ObjectBody, SkippedFile } from '../../../../lib/store/object-store.js'
import { etagOf } from '../../../../lib/store/folder/folder-version.js'
import { listAll } from '../../../support/store-contract.js'
import { testFolder } from '../../../support/test-folder.js'

const [gzip, gunzip] = [promisify<string, Buffer>(zlib.gzip), promisify<Buffer, Buffer>(zlib.gunzip)]
/** A clock with which no file that a test has written is racy. */
const later = () => Date.now() + 10_000
const bytes = (content: string) => Buffer.from(content)
const keysOf = async (store: FolderStore, prefix = '') => (await listAll(store, prefix)).map(({ key }) => key)

t.test('lists regular files only, without its internal files', async t => {
  const root = testFolder(t, {
    'a.csv': 'a',
    folder: { 'b.csv': 'b', '.userlake': { 'c.csv': 'c' }, empty: {} },
    '.userlake': { lock: '{}', tmp: { draft: '' } },
    '.userlake2': '',
    'link.csv': t.fixture('symlink', 'a.csv'),
    'link-to-folder': t.fixture('symlink', 'folder'),
    'dangling.csv': t.fixture('symlink', 'nowhere')
  })
  execFileSync('mkfifo', [join(root, 'pipe.csv')])
  const inRoot = (...bytes: number[]) => Buffer.concat([Buffer.from(`${root}/`), Buffer.from(bytes)])
  writeFileSync(inRoot(0xff, 0x2e), 'not UTF-8')
  writeFileSync(inRoot(0xfe, 0x2e), 'not UTF-8')
  mkdirSync(inRoot(0xff, 0x64))
  writeFileSync(inRoot(0xff, 0x64, 0x2f, 0x61), 'below a folder whose name is not UTF-8')
  const store = new FolderStore(root)
  t.same(await keysOf(store), ['.userlake2', 'a.csv', 'folder/.userlake/c.csv', 'folder/b.csv'])
  t.same(await keysOf(store, '.userlake'), ['.userlake2'])
  t.same(await keysOf(store, '.userlake/'), [])
  t.same(await keysOf(store, '.userlake/tmp/'), [])
  const skippedFor = async (prefix: string) => {
    const skipped: SkippedFile[] = []
    await Readable.from(store.list(prefix, { onSkipped: (file) => skipped.push(file) })).toArray()
    return skipped.map(({ path, reason }) => `${path} ${reason}`).sort()
  }
  t.same(await skippedFor(''), [
    '\\xfe. name_not_utf8', '\\xff. name_not_utf8', '\\xffd name_not_utf8', 'dangling.csv link', 'link-to-folder link', 'link.csv link', 'pipe.csv special_file'
  ])
  t.same(await skippedFor('link-'), ['link-to-folder link'])
  for (const key of ['link.csv', 'link-to-folder', 'pipe.csv', 'dangling.csv', 'folder', '.userlake/lock', '.userlake', '\ufffd.']) {
    t.equal(await store.get(key), undefined, key)
    t.equal(await store.head(key), undefined, key)
    t.equal(await store.stream(key), undefined, key)
  }
})

t.test('never reads or writes outside its root', async t => {
  const outside = testFolder(t, {
    'secret.csv': 'secret',
    root: {
      folder: { up: t.fixture('symlink', '../..'), file: t.fixture('symlink', '../../secret.csv') },
      'secret.csv': t.fixture('symlink', '../secret.csv')
    }
  })
  const store = new FolderStore(join(outside, 'root'), { clock: later })
  t.same(await keysOf(store), [])
  t.same(await keysOf(store, 'folder/up/'), [])
  t.same(await keysOf(store, '../'), [])
  t.same(await keysOf(store, 'folder/../../'), [])
  for (const key of ['secret.csv', '../secret.csv', 'folder/up/secret.csv', 'folder/../../secret.csv', 'folder/file', `${outside}/secret.csv`]) {
    t.equal(await store.get(key), undefined, key)
    t.equal(await store.head(key), undefined, key)
    t.equal(await store.stream(key), undefined, key)
  }
  for (const key of ['../new', 'folder/up/new', 'folder/up/new/deep', 'folder/up/secret.csv', 'folder/../../new']) {
    await t.rejects(store.put(key, bytes('x')), { code: 'invalid_key' }, key)
  }
  await store.put('secret.csv', bytes('takes the place of the link'))
  t.equal(readFileSync(join(outside, 'secret.csv'), 'utf8'), 'secret')
  t.same(readdirSync(outside), ['root', 'secret.csv'])
  t.throws(() => readlinkSync(join(outside, 'root/secret.csv')))
})

t.test('keeps its internal files inside the root', async t => {
  const outside = testFolder(t, { elsewhere: {}, root: { '.userlake': t.fixture('symlink', '../elsewhere') } })
  const store = new FolderStore(join(outside, 'root'))
  await t.rejects(store.put('key', bytes('')), { name: 'StoreError' })
  t.same(readdirSync(join(outside, 'elsewhere')), [])
})

t.test('refuses keys that are not paths of files', async t => {
  const store = new FolderStore(testFolder(t, { file: 'content', folder: { file: '' } }))
  const keys = [
    '.', '..', './a', 'a/.', 'a/..', 'a/../b', 'a//b', '/a', 'a/', '/', '.userlake', '.userlake/lock', 'x'.repeat(256), 'é'.repeat(128),
    Array(20).fill('x'.repeat(250)).join('/'), 'file/below', 'folder'
  ]
  for (const key of keys) {
    await t.rejects(store.put(key, bytes('x')), { name: 'StoreError', code: 'invalid_key' }, key)
    t.equal(await store.get(key), undefined, key)
  }
  t.same(await keysOf(store), ['file', 'folder/file'])
})

t.test('marks recently changed files as racy', async t => {
  const root = testFolder(t, { key: 'content' })
  const { mtimeMs, ctimeMs } = statSync(join(root, 'key'))
  const written = Math.floor(Math.max(mtimeMs, ctimeMs))
  for (const [age, racy] of [[-3_600_000, true], [0, true], [1999, true], [2000, undefined]] as const) {
    const store = new FolderStore(root, { clock: () => written + age })
    const { etag } = await store.head('key') ?? {}
    t.match((await listAll(store, ''))[0], { racy })
    t.match(await store.head('key'), { racy })
    t.match(await store.stream('key').then(stream => stream?.body.destroy() && stream), { racy })
    t.match(await store.get('key', { ifNoneMatch: etag }), racy ? { racy, size: 7 } : 'unchanged')
  }
})

t.test('a file that was modified less than two seconds ago may grow; one that was only moved is complete', async (t) => {
  const root = testFolder(t, { key: 'content', moved: 'content' })
  utimesSync(join(root, 'moved'), 1, 1)
  const { mtimeMs, ctimeMs } = statSync(join(root, 'key'), { bigint: true })
  const written = Number(mtimeMs < ctimeMs ? mtimeMs : ctimeMs)
  for (const [age, growingMs] of [[-2000, undefined], [-1999, 3999], [0, 2000], [1999, 1], [2000, undefined]] as const) {
    const store = new FolderStore(root, { clock: () => written + age })
    t.equal((await store.get('key') as ObjectBody).growingMs, growingMs, String(age))
    t.equal((await store.get('moved') as ObjectBody).growingMs, undefined)
  }
})

t.test('uses the time of the inode change, not only that of the content', async t => {
  const root = testFolder(t, { key: 'content' })
  const store = new FolderStore(root)
  const before = await store.head('key')
  utimesSync(join(root, 'key'), 1, 1)
  const after = await store.head('key')
  t.match(after, { lastModified: 1000, racy: true })
  t.not(after?.etag, before?.etag)
})

t.test('detects a file that was replaced by one of the same size and modification time', async t => {
  const root = testFolder(t, { key: 'one', new: 'two' })
  const path = join(root, 'key')
  const store = new FolderStore(root)
  const etags = new Set<string | undefined>()
  const note = async () => {
    // The clock of the file system ticks every few milliseconds.
    const changed = () => statSync(path, { bigint: true }).ctimeNs
    for (const before = changed(); changed() === before;) utimesSync(path, 1, 1)
    etags.add((await store.head('key'))?.etag)
  }
  await note()
  writeFileSync(path, 'six')
  await note()
  utimesSync(join(root, 'new'), 1, 1)
  renameSync(join(root, 'new'), path)
  await note()
  t.equal(etags.size, 3)
})

t.test('the ETag depends on size, time of writing, time of change and inode, each by itself', async t => {
  const stats = { size: 3n, mtimeNs: 1_750_000_000_000_000_000n, ctimeNs: 1_750_000_000_000_000_000n, ino: 7n }
  const others = Object.entries(stats).map(([name, value]) => ({ ...stats, [name]: value + 1n }))
  const etags = [stats, ...others].map((stats) => etagOf(stats as BigIntStats))
  t.equal(new Set(etags).size, 5)
  t.equal(etagOf({ ...stats } as BigIntStats), etags[0])
})

t.test('skips files that vanish while it lists', async t => {
  const root = testFolder(t, { a: '', b: '', c: '' })
  const store = new FolderStore(root, {
    clock: () => {
      rmSync(join(root, 'b'), { force: true })
      return 0
    }
  })
  t.same(await keysOf(store), ['a', 'c'])
})

t.test('fails if the root disappears during a listing', async t => {
  const folder = testFolder(t, { root: { a: '', b: '' }, other: {} })
  const moveOnce = () => {
    if (readdirSync(folder).includes('other')) {
      renameSync(join(folder, 'root'), join(folder, 'old'))
      renameSync(join(folder, 'other'), join(folder, 'root'))
    }
    return 0
  }
  const store = new FolderStore(join(folder, 'root'), { clock: moveOnce })
  await t.rejects(listAll(store, ''), { code: 'no_such_bucket' })
  rmSync(join(folder, 'root'), { recursive: true })
  await t.rejects(listAll(store, ''), { code: 'no_such_bucket' })
  writeFileSync(join(folder, 'root'), 'a file')
  await t.rejects(listAll(store, ''), { code: 'no_such_bucket' })
  await t.rejects(store.get('key'), { code: 'no_such_bucket' })
})

t.test('does not show an object before it is completely written', async t => {
  const root = testFolder(t)
  const store = new FolderStore(root)
  const writes = Array.from({ length: 20 }, (_, i) => store.put(`key${i}`, Buffer.alloc(1_000_000, i)))
  for (const write of writes) {
    const objects = await listAll(store, '')
    t.ok(objects.every(({ key, size }) => key.startsWith('key') && size === 1_000_000))
    await write
  }
  t.equal((await keysOf(store)).length, 20)
  t.same(readdirSync(join(root, '.userlake/tmp')), [])
})

t.test('a failed write leaves no file', async t => {
  const root = testFolder(t, { folder: { file: '' } })
  const store = new FolderStore(root)
  t.teardown(() => store.close())
  await t.rejects(store.put('folder', bytes('x')), { code: 'invalid_key' })
  await t.rejects(store.put('key', bytes('x'), { ifMatch: 'other' }), { code: 'precondition_failed' })
  t.same(readdirSync(join(root, '.userlake/tmp')), [])
})

t.test('maps errors of the file system to error codes', async t => {
  const cases = {
    EACCES: 'access_denied',
    EPERM: 'access_denied',
    EROFS: 'access_denied',
    ENOTDIR: 'invalid_key',
    ENOSPC: 'store_error',
    EIO: 'store_error'
  }
  for (const [code, expected] of Object.entries(cases)) {
    const error = toFolderError(Object.assign(new Error('text'), { code }), 'file:///lake/key')
    t.match(error, { code: expected, message: /^file:\/\/\/lake\/key: / })
    t.match(error.message, code)
  }
})

t.test('reads a file again if it changed during the read', async t => {
  const root = testFolder(t, { key: '' })
  const path = join(root, 'key')
  const readWith = async (changes: number) => {
    writeFileSync(path, 'x')
    let reads = 0
    const read = (file: number, buffer: Buffer, offset: number, length: number, position: number, callback: () => void) => {
      if (++reads <= changes) writeFileSync(path, 'x'.repeat(1 + reads))
      fs.read(file, buffer, offset, length, position, callback)
    }
    return await new FolderStore(root, { clock: later, fileSystem: { ...fs, read: read as typeof fs.read } }).get('key')
  }
  t.match(await readWith(0), { body: Buffer.from('x') })
  t.match(await readWith(2), { body: Buffer.from('xxx') })
  await t.rejects(readWith(3), { code: 'store_error', message: /changes while it is read/ })
})

t.test('a read that blocks and returns too late fails with `timeout`', async t => {
  const store = new FolderStore(testFolder(t, { key: 'content' }), { clock: later, blocking: true })
  await t.rejects(store.get('key', { maxMs: -1 }), { name: 'StoreError', code: 'timeout' })
  t.match(await store.get('key'), { size: 7 })
})

t.test('reads that hang leave the thread pool to others, and the store works again afterwards', async t => {
  const root = testFolder(t, { key: 'content' })
  const pipe = join(root, 'pipe')
  execFileSync('mkfifo', [pipe])
  let isHung = true
  // Opening a pipe takes a thread of the pool until its other end is opened.
  const open = (path: string, flags: number, callback: (error: Error | null, file: number) => void) => fs.open(isHung ? pipe : path, isHung ? 'r' : flags, callback)
  const store = new FolderStore(root, { clock: later, fileSystem: { ...fs, open: open as typeof fs.open } })
  const reads = Array.from({ length: 20 }, async () => await t.rejects(store.get('key', { maxMs: 50 }), { code: 'timeout' }))
  await Promise.all(reads)
  t.equal((await gunzip(await gzip('text'))).toString(), 'text')
  isHung = false
  fs.closeSync(fs.openSync(pipe, 'r+'))
  t.match(await store.get('key'), { size: 7 })
})

t.test('a stream that hangs ends with `timeout`', async t => {
  const disk = new PoolDisk({ ...fs, read: (() => {}) as unknown as typeof fs.read })
  const root = realpathSync(testFolder(t, { key: 'content' }))
  const stream = await disk.within(1000, (files) => streamObject({ files, root, clock: later }, 'key', {}, { disk, readMs: 50 }))
  await t.rejects(stream!.body.toArray(), { name: 'StoreError', code: 'timeout' })
})

t.test('a sub-folder that cannot be read makes the listing fail and is named', async t => {
  const root = testFolder(t, { 'a.csv': 'a', deep: { closed: { 'b.csv': 'b' } } })
  chmodSync(join(root, 'deep/closed'), 0)
  // root may read everything
  const isRoot = process.geteuid!() === 0
  if (isRoot) process.seteuid!(65534)
  try {
    await t.rejects(keysOf(new FolderStore(root)), { name: 'StoreError', code: 'access_denied', message: /the sub-folder deep\/closed\/: access denied \(EACCES\)/ })
  } finally {
    if (isRoot) process.seteuid!(0)
    chmodSync(join(root, 'deep/closed'), 0o700)
  }
})
