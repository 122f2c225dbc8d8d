import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { ENVIRONMENT } from '../../scripts/start.js'
import { testFolder } from '../support/test-folder.js'
import { until } from '../support/until.js'

// `npm start` in a separate installation: npm runs sh, which runs `userlake start`, the launcher, which runs the server.

/** The links of a production installation: name in the folder, and target. */
const INSTALLED = { node_modules: 'node_modules', 'seed-data': 'seed-data', dist: 'dist-test' }

/** Runs `npm start` in a new folder, which contains what npm runs before it, these files and these links. */
function npmStart (t: Test, { links = INSTALLED, files = {}, settings = {} }: { links?: Readonly<Record<string, string>>, files?: Parameters<Test['testdir']>[0], settings?: Readonly<Record<string, string>> } = {}) {
  const cwd = testFolder(t, files)
  mkdirSync(join(cwd, 'scripts'), { recursive: true })
  for (const name of ['package.json', 'scripts/build.mjs']) copyFileSync(name, join(cwd, name))
  for (const [name, target] of Object.entries(links)) symlinkSync(resolve(target), join(cwd, name))
  // Detached, so that it has a separate process group, which a test can signal as a terminal does.
  const npm = spawn('npm', ['--silent', 'start'], { cwd, env: { PATH: process.env['PATH'], HOME: cwd, PORT: '0', ...settings }, detached: true })
  let stdout = ''
  let stderr = ''
  npm.stdout.on('data', (data) => { stdout += data })
  npm.stderr.on('data', (data) => { stderr += data })
  // The streams end when all processes that write to them have ended.
  const exit = once(npm, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }))
  t.teardown(async () => {
    npm.kill()
    await exit
  })
  const find = async (pattern: RegExp) => {
    await until(() => pattern.test(stdout) || npm.exitCode !== null)
    const found = pattern.exec(stdout)?.[1]
    if (found === undefined) throw new Error(`npm has ended: ${stderr}`)
    return found
  }
  return {
    npm,
    exit,
    port: () => find(/listening at http:\S+:(\d+)"/),
    /** The process id of the server. */
    server: async () => Number(await find(/"pid":(\d+)/))
  }
}

async function isPortFree (port: string): Promise<boolean> {
  const socket = connect({ port: Number(port), host: '127.0.0.1' })
  const outcome = await Promise.race([once(socket, 'connect').then(() => false), once(socket, 'error').then(() => true, () => true)]).catch(() => true)
  socket.destroy()
  return outcome
}

/** The process that started a process. */
function parentOf (pid: number): number {
  return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))![1])
}

const needsProc = { skip: existsSync('/proc/self/environ') ? false : 'needs /proc' }

t.test('SIGTERM to npm shuts the server down and frees the port', async (t) => {
  const { npm, exit, port } = npmStart(t)
  const number = await port()
  t.notOk(await isPortFree(number))
  npm.kill('SIGTERM')
  const { stdout, stderr } = await exit
  t.match(stdout, 'shutting down', 'it shuts down properly')
  t.equal(stderr, '')
  t.ok(await isPortFree(number))
})

t.test('a signal to all processes at once, as from Ctrl-C, reaches the server once', async (t) => {
  const { npm, exit, port } = npmStart(t)
  const number = await port()
  process.kill(-npm.pid!, 'SIGINT')
  const { stdout, stderr } = await exit
  // The signal and the end of the launcher reach the server in either order.
  t.equal(stdout.match(/shutting down/g)?.length, 1)
  t.notMatch(stdout, 'second SIGINT')
  t.equal(stderr, '')
  t.ok(await isPortFree(number))
})

t.test('a signal to the launcher is named in the log', needsProc, async (t) => {
  const { exit, port, server } = npmStart(t)
  await port()
  process.kill(parentOf(await server()), 'SIGTERM')
  t.match((await exit).stdout, 'SIGTERM: shutting down')
})

for (const victim of ['npm', 'the launcher']) {
  t.test(`the server shuts down if ${victim} is killed`, needsProc, async (t) => {
    const { npm, exit, port, server } = npmStart(t)
    const number = await port()
    process.kill(victim === 'npm' ? npm.pid! : parentOf(await server()), 'SIGKILL')
    t.match((await exit).stdout, 'shutting down')
    t.ok(await isPortFree(number))
  })
}

for (const settings of [{}, { MALLOC_MMAP_THRESHOLD_: '65536' }, { NODE_COMPILE_CACHE: '/other' }]) {
  t.test(`the environment of the server is that of the container, except for ${JSON.stringify(settings)}`, needsProc, async (t) => {
    const inContainer = Object.fromEntries([...readFileSync('Containerfile', 'utf8').matchAll(/^ENV (MALLOC_\w+|NODE_COMPILE_CACHE)=(\S+)$/gm)].map(([, name, value]) => [name, value]))
    t.strictSame(Object.keys(inContainer).sort(), Object.keys(ENVIRONMENT).sort())
    const { server } = npmStart(t, { settings })
    const environment = readFileSync(`/proc/${await server()}/environ`, 'latin1').split('\0').map((line) => line.split('='))
    const set = environment.filter(([name]) => name! in ENVIRONMENT).map(([name, value]) => [name, value!.replace(/^.*(?=\/node_modules\/)/, '/app')])
    t.strictSame(Object.fromEntries(set), { ...inContainer, ...settings })
  })
}

t.test('npm start exits with the code of the server', async (t) => {
  t.match(await npmStart(t, { settings: { PORT: 'x' } }).exit, { code: 1, stdout: '', stderr: /^userlake: PORT: got "x"; .*\n$/ })
})

t.test('without a build and without TypeScript, npm start reports the command to run', async (t) => {
  t.match(await npmStart(t, { links: {} }).exit, { code: 1, stdout: '', stderr: 'userlake: dist/scripts/userlake.js does not exist: run npm ci && npm run build\n' })
})

const CONFIG = JSON.stringify({ compilerOptions: { outDir: 'dist', rootDir: '.', module: 'nodenext', noCheck: true, types: [] }, files: ['scripts/userlake.ts'] })
const links = { node_modules: 'node_modules' }

t.test('with TypeScript, npm start builds first', async (t) => {
  const files = { 'tsconfig.build.json': CONFIG, scripts: { 'userlake.ts': 'const code: number = 7\nprocess.exit(code)\n' } }
  t.match(await npmStart(t, { links, files }).exit, { code: 7, stderr: '' })
})

t.test('npm start starts no server if the sources do not compile', async (t) => {
  const files = { 'tsconfig.build.json': CONFIG, scripts: { 'userlake.ts': 'const = 7\n' }, dist: { scripts: { 'userlake.js': 'process.exit(7)' } } }
  t.match(await npmStart(t, { links, files }).exit, { code: 1, stdout: /userlake\.ts.*error TS/ })
})
