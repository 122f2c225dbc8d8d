import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import t from 'tap'
import { pathOf, startNode } from '../bench/child-process.js'
import { Report } from '../bench/report.js'
import { testFolder } from './support/test-folder.js'
import { until } from './support/until.js'

/** The latency of the server under load. */
const LATENCY_MS = 300

t.test('the load generator replies when all responses have arrived, and counts each in the period in which it was requested', async (t) => {
  let received = 0
  const server = createServer((_request, response) => {
    received++
    setTimeout(() => response.end(), LATENCY_MS)
  })
  t.teardown(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const load = await startNode('./open-loop.js', [`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, '50'])
  for (let period = 0; period < 2; period++) {
    received = 0
    await load.request({})
    await until(() => received >= 3)
    const { requests, failed, p50 } = await load.request({})
    t.same([requests, failed], [received, 0], 'those that were unfinished at the end of the period are counted, too')
    t.ok(p50 >= LATENCY_MS - 5, `${p50} ms`)
  }
  await load.stop()
})

t.test('without wrk, the connections of a load share its requests, so that each is sent once', async (t) => {
  const received: string[] = []
  const server = createServer(({ url }, response) => {
    received.push(url!)
    response.end()
  })
  t.teardown(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const requests = Array.from({ length: 50 }, (_, i) => ({ path: `/${i}` }))
  const file = `${testFolder(t)}/options.json`
  writeFileSync(file, JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, connections: 8, amount: 48, requests }))
  await promisify(execFile)(process.execPath, [pathOf('./autocannon.js'), file])
  t.equal(received.length, 48)
  t.equal(new Set(received).size, 48)
})

t.test('a figure with two limits is reported with both', async (t) => {
  const lines: string[] = []
  const report = new Report((line) => { lines.push(line) })
  report.check({ name: 'GETs', value: 17, min: 17, max: 17 })
  report.check({ name: 'Time', value: 3, max: 2, unit: ' s' })
  t.match(report.rows, [{ required: '>= 17, <= 17', verdict: 'met' }, { required: '<= 2 s', verdict: 'not met' }])
  t.same(lines, ['GETs: 17, >= 17, <= 17, met\n', 'Time: 3 s, <= 2 s, not met\n'])
})

t.test('a program that uses modules of tests has no time limit', async (t) => {
  const program = `import ${JSON.stringify(pathOf('../test/support/file-timeout.js'))}; import t from 'tap'; process.stdout.write(String(t.options.timeout))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program])
  t.match(stdout, /^undefined/)
})

t.test('the programs of the benchmark and of the laboratory refuse invalid options', async (t) => {
  const run = async (module: string, ...args: string[]) => {
    const { code, stderr } = await promisify(execFile)(process.execPath, [pathOf(module), ...args]).then(() => ({ code: 0, stderr: '' }), (error) => error)
    return [code, stderr]
  }
  t.same(await run('./memory.js', '--minutes', 'ten'), [2, "memory: --minutes: got 'ten'; must be an integer from 1 to 10000\n"])
  t.same(await run('./memory.js', '--minute', '1'), [2, 'memory: unknown option --minute; did you mean --minutes?\n'])
  t.same(await run('./queries.js', '--records', 'x'), [2, "queries: --records: got 'x'; must be an integer from 1 to 10000000\n"])
  t.same(await run('./main.js', '--smok'), [2, 'bench: unknown option --smok; did you mean --smoke?\n'])
  t.same(await run('../test/simulation/main.js', '--seeds', '1e3'), [2, "simulate: --seeds: got '1e3'; must be an integer from 1 to 4294967295\n"])
  t.same(await run('../test/fuzz/main.js', '--minute', '1'), [2, 'fuzz: unknown option --minute; did you mean --minutes?\n'])
  t.same(await run('../test/lab/commits.js', '--jobs', '0'), [2, "commits: --jobs: got '0'; must be an integer from 1 to 64\n"])
  t.same(await run('../test/lab/large-lake.js', '--records', '1'), [2, "large-lake: --records: got '1'; must be an integer from 1000 to 100000000\n"])
  t.same(await run('../test/lab/kills.js', '--shrt'), [2, 'unknown option --shrt; did you mean --short?\n'])
})
