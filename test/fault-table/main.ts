import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Parser, type Result as TapResult } from 'tap-parser'
import { forEachConcurrently } from '../../lib/base/concurrent.js'
import { cannotStopShards } from '../support/clickhouse-script.js'
import { needsServers, SECTIONS, type Row, type TestName } from './rows.js'
import { toMarkdown } from './table.js'

/** By file, the names of the tests that have passed. A name that a failed or skipped test has, too, is not among them. */
const passed = new Map<string, ReadonlySet<string>>()

const rows = SECTIONS.flatMap((section) => section.rows)
const testsOf = (row: Row): readonly TestName[] => 'tests' in row ? row.tests.filter((test) => cannotStopShards === false || !needsServers(test)) : []
if (cannotStopShards !== false) console.log(`The tests of test/real/ are left out; to run them, ${cannotStopShards}`)
const filesOf = (isOnServers: boolean) => [...new Set(rows.flatMap((row) => testsOf(row).filter((test) => needsServers(test) === isOnServers).map(([file]) => file)))]
const [onServers, others] = [filesOf(true), filesOf(false)]
const runAll = (files: readonly string[], limit: number) => forEachConcurrently(files, () => limit, async (file) => {
  passed.set(file, await run(file))
  console.log(`${passed.size} of ${onServers.length + others.length}: ${file}`)
})
await runAll(others, Math.min(4, availableParallelism()))
// One of these files stops a server that the others need.
await runAll(onServers, 1)
const missingOf = (row: Row) => testsOf(row).filter(([file, name]) => !passed.get(file)!.has(name))
writeFileSync('docs/faults.md', toMarkdown((row) => missingOf(row).length === 0 ? 'passed' : 'failed'))
const failed = rows.filter((row) => missingOf(row).length > 0)
for (const row of failed) {
  console.error(`failed: ${row.fault}: ${missingOf(row).map(([file, name]) => `${file}: ${name}`).join('; ')}`)
}
console.log(`${rows.length} faults, ${failed.length} failed`)
process.exitCode = failed.length === 0 ? 0 : 1

/** Runs a test file, with the time limit of .taprc. Returns the names of the tests that have passed. */
async function run (file: string): Promise<ReadonlySet<string>> {
  const results: TapResult[] = []
  const collect = (parser: Parser) => parser.on('child', collect).on('assert', (result: TapResult) => results.push(result))
  const parser = new Parser()
  collect(parser)
  const child = spawn(process.execPath, [fileURLToPath(new URL(`../../${file.replace(/\.ts$/, '.js')}`, import.meta.url))], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, TAP_TIMEOUT: '600' } })
  await new Promise((resolve) => child.stdout.pipe(parser).on('complete', resolve))
  const isOk = ({ ok, skip, todo }: TapResult) => ok && !skip && !todo
  const bad = new Set(results.filter((result) => !isOk(result)).map(({ name }) => name))
  return new Set(results.filter(({ name }) => !bad.has(name)).map(({ name }) => name))
}
