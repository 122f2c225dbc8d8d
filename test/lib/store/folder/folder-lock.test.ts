import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { FolderStore } from '../../../../lib/store/folder/folder-store.js'
import { TestClock } from '../../../support/test-clock.js'
import { testFolder } from '../../../support/test-folder.js'
import { until } from '../../../support/until.js'

/** A process id that no process has: it is above the maximum of Linux. */
const DEAD_PID = 2 ** 22 + 1
const PIDS = readlinkSync('/proc/self/ns/pid')
const HOLDER = fileURLToPath(new URL('../../../support/lock-holder.js', import.meta.url))

async function startHolder (t: Test): Promise<ChildProcess> {
  const child = fork(HOLDER)
  t.teardown(() => child.kill('SIGKILL'))
  await once(child, 'message')
  return child
}

/** Writes to the folder from another process, and returns the outcome. */
async function writeFrom (child: ChildProcess, path: string): Promise<string> {
  child.send(path)
  const [outcome] = await once(child, 'message')
  return outcome
}

function openFolder (t: Test, path: string, clock?: TestClock): FolderStore {
  const store = new FolderStore(path, { monotonic: clock?.monotonic })
  t.teardown(() => store.close())
  return store
}

/** Writes conditionally, which needs the lock. */
async function write (store: FolderStore, key: string): Promise<void> {
  await store.put(key, Buffer.from(''), { ifMatch: null })
}

function readLock (root: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(root, '.userlake/lock'), 'utf8'))
}

/** Creates a lock of another process whose file has the time of this many seconds ago. */
function leaveLock (root: string, content: object | string, { name = 'lock', seconds = 0 } = {}): void {
  const path = join(root, '.userlake', name)
  mkdirSync(join(root, '.userlake'), { recursive: true })
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  utimesSync(path, Date.now() / 1000 - seconds, Date.now() / 1000 - seconds)
}

t.test('the first conditional write acquires the lock, and closing the store releases it', async t => {
  const root = testFolder(t)
  const store = openFolder(t, root)
  await store.put('key', Buffer.from(''))
  t.notOk(existsSync(join(root, '.userlake/lock')))
  await write(store, 'other')
  t.match(readLock(root), { pid: process.pid, host: hostname(), pids: PIDS, token: /^[\w-]{36}$/, since: /^\d{4}-/ })
  await store.close()
  t.same(readdirSync(join(root, '.userlake')), ['tmp'])
  t.same(readdirSync(join(root, '.userlake/tmp')), [])
})

t.test('a claim acquires the lock without a write, and fails if another process holds it', async (t) => {
  const root = testFolder(t)
  const store = openFolder(t, root)
  const child = await startHolder(t)
  await store.claim()
  t.equal(await writeFrom(child, root), 'read_only')
  await store.close()
  t.equal(await writeFrom(child, root), 'written')
  await t.rejects(store.claim(), { code: 'read_only' })
})

t.test('the stores of one process share the lock until the last one is closed', async t => {
  const root = testFolder(t, { lake: {}, link: t.fixture('symlink', 'lake') })
  const stores = [openFolder(t, join(root, 'lake')), openFolder(t, join(root, 'link'))] as const
  for (let round = 0; round < 10; round++) {
    const results = await Promise.allSettled(Array.from({ length: 16 }, (_, i) => write(stores[i % 2 as 0 | 1], `key${round}`)))
    t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  }
  await stores[0].close()
  t.ok(existsSync(join(root, 'lake/.userlake/lock')))
  await write(stores[1], 'key')
  await stores[1].close()
  t.notOk(existsSync(join(root, 'lake/.userlake/lock')))
})

t.test('one process at a time holds the lock; another one acquires it when that process has ended', async t => {
  const root = testFolder(t)
  const store = openFolder(t, root)
  const child = await startHolder(t)
  t.equal(await writeFrom(child, root), 'written')
  const message = new RegExp(`: process ${child.pid} on ${hostname()} writes to this folder and holds its lock; set PUBLISH=false here, or end that process$`)
  await t.rejects(write(store, 'key'), { code: 'read_only', message })
  t.match(await store.get(`by-${child.pid}`), { size: 0 }, 'the folder can be read')
  child.kill('SIGKILL')
  await once(child, 'exit')
  await write(store, 'key')
  t.match(readLock(root), { pid: process.pid })
})

t.test('replaces the lock of a process that has ended or was not seen to renew it for 30 s, and no other lock', async t => {
  const elsewhere = { pid: 1, host: 'elsewhere', token: 'token' }
  const cases: Array<[string, object | string, number, boolean]> = [
    ['a process that has ended', { pid: DEAD_PID, host: hostname(), pids: PIDS, token: 'token' }, 0, true],
    ['an older process with this pid', { pid: process.pid, host: hostname(), pids: PIDS, token: 'token' }, 0, true],
    ['a process that runs', { pid: process.ppid, host: hostname(), pids: PIDS, token: 'token' }, 0, false],
    ['a process that runs and no longer renews', { pid: process.ppid, host: hostname(), pids: PIDS, token: 'token' }, 30, true],
    ['a process of a container with the same host name', { pid: DEAD_PID, host: hostname(), pids: 'pid:[1]', token: 'token' }, 29, false],
    ['a process of another host', elsewhere, 29, false],
    ['a process of another host that no longer renews', elsewhere, 30, true],
    ['a malformed lock', '{"pid":', 29, false],
    ['an old malformed lock', '', 30, true],
    ['a token that cannot be part of a file name', { ...elsewhere, token: '../../x' }, 30, true]
  ]
  const folder = testFolder(t)
  for (const [i, [name, content, seconds, isReplaced]] of cases.entries()) {
    const root = join(folder, String(i))
    const clock = new TestClock()
    const store = openFolder(t, root, clock)
    leaveLock(root, content)
    const attempt = () => write(store, 'key').then(() => 'written', error => error.code)
    if (seconds > 0) t.equal(await attempt(), 'read_only', name)
    clock.advance(seconds * 1000)
    t.equal(await attempt(), isReplaced ? 'written' : 'read_only', name)
    t.same(readdirSync(join(root, '.userlake')), ['lock', 'tmp'], name)
    await store.close()
  }
})

t.test('a lock that is renewed is never stale, and a clock that jumps makes no lock stale', async t => {
  const root = testFolder(t)
  const clock = new TestClock()
  const store = openFolder(t, root, clock)
  for (const jump of [3600, -3600, 0, 1, -1, 3600]) {
    leaveLock(root, { pid: 1, host: 'elsewhere', token: 'token' }, { seconds: jump })
    await t.rejects(write(store, 'key'), { code: 'read_only' }, `${jump}`)
    clock.advance(29_000)
    await t.rejects(write(store, 'key'), { code: 'read_only' }, `${jump}, later`)
  }
})

t.test('only the locks that are there are remembered: one that comes back has to be seen unchanged for 30 s again', async t => {
  const root = testFolder(t)
  const clock = new TestClock()
  const store = openFolder(t, root, clock)
  const path = join(root, '.userlake/lock')
  const leave = (token: string) => {
    leaveLock(root, { pid: 1, host: 'elsewhere', token })
    utimesSync(path, 1000, 1000)
  }
  leave('first')
  await t.rejects(write(store, 'key'), { code: 'read_only' })
  leave('second')
  await t.rejects(write(store, 'key'), { code: 'read_only' })
  clock.advance(30_000)
  leave('first')
  await t.rejects(write(store, 'key'), { code: 'read_only' })
  clock.advance(30_000)
  await write(store, 'key')
})

t.test('replaces the lock of a process that died while it replaced another one', async t => {
  const root = testFolder(t)
  const store = openFolder(t, root)
  leaveLock(root, { pid: DEAD_PID, host: hostname(), pids: PIDS, token: 'first' })
  leaveLock(root, { pid: DEAD_PID, host: hostname(), pids: PIDS, token: 'second' }, { name: 'lock-after-first' })
  await write(store, 'key')
  t.match(readLock(root), { pid: process.pid })
  leaveLock(root, { pid: DEAD_PID, host: hostname(), pids: PIDS, token: 'first' })
  leaveLock(root, { pid: process.ppid, host: hostname(), pids: PIDS, token: 'second' }, { name: 'lock-after-first' })
  await t.rejects(write(store, 'other'), { code: 'read_only' })
})

t.test('of several processes that find the lock of a dead one, exactly one acquires it', async t => {
  const children = await Promise.all([startHolder(t), startHolder(t), startHolder(t)])
  const folder = testFolder(t)
  for (let round = 0; round < 20; round++) {
    const root = join(folder, String(round))
    leaveLock(root, { pid: DEAD_PID, host: hostname(), pids: PIDS, token: 'token' })
    const outcomes = await Promise.all(children.map(child => writeFrom(child, root)))
    t.same(outcomes.sort(), ['read_only', 'read_only', 'written'])
  }
})

t.test('a process notices that it has lost the lock', async t => {
  const root = testFolder(t)
  const store = openFolder(t, root)
  await write(store, 'a')
  leaveLock(root, { pid: 1, host: 'elsewhere', token: 'token' })
  await t.rejects(write(store, 'b'), { code: 'read_only', message: /process 1 on elsewhere/ })
  await store.close()
  t.match(readLock(root), { host: 'elsewhere' }, 'the lock of another process is not released')
})

t.test('renews the lock while it is held', async t => {
  const refreshes: (() => void)[] = []
  const setInterval = (refresh: () => void) => refreshes.push(refresh) && setTimeout(() => {}, 0)
  t.intercept(globalThis, 'setInterval', { value: setInterval })
  const root = testFolder(t)
  const store = openFolder(t, root)
  await write(store, 'key')
  const path = join(root, '.userlake/lock')
  utimesSync(path, 1, 1)
  const began = Date.now()
  refreshes[0]!()
  await until(() => statSync(path).mtimeMs > 1000)
  t.ok(statSync(path).mtimeMs >= began - 1000)
})

t.test('removes temporary files of killed processes', async t => {
  const root = testFolder(t, { '.userlake': { tmp: { old: '', young: '' } } })
  const hourAgo = Date.now() / 1000 - 3601
  utimesSync(join(root, '.userlake/tmp/old'), hourAgo, hourAgo)
  await write(openFolder(t, root), 'key')
  t.same(readdirSync(join(root, '.userlake/tmp')), ['young'])
})
