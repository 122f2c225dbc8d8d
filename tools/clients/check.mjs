#!/usr/bin/env node
// Generates clients from an OpenAPI document and compiles them strictly. See --help.
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { faults, startProxy } from './faults.mjs'
import { CommandError, install, installPythonPackages, isInstalled, markInstalled, repository, requireCommand, root, run, serve, Unavailable } from './toolbox.mjs'

const HELP = `Usage: node tools/clients/check.mjs [--serve | --url URL] [--only NAME]... [DOCUMENT]

Generates a client from DOCUMENT (default: openapi.json of this repository) with each generator and compiles it strictly,
together with a small program that uses it: tsc --strict, go vet, mypy --strict. The clients are left in generated/.

The programs send the same requests to the service: records that match, all pages, statistics, one record and one that does not exist,
an image, a dry run, a job that is followed, a 304, CSV. Each must pass, and fail with each fault of faults.mjs.

Prints one line per generator and ends with: N passed, N failed, N skipped. A generator is skipped if Go, Python or their
package registry is not available. Exit status: 0 if none failed, 1 if one failed, 2 if an argument is wrong.

Installs what it needs into tools/clients, Go modules into Go's own cache.

  --serve      start the service of this repository, which must be built, with the sample data, and run the programs against it
  --url URL    run the programs against the service at this URL, which must serve the sample data (seed-data)
  --only NAME  only this generator; may be repeated
  --help       this text

Generators: `

const toolchains = [
  {
    prepare: installNpmPackages,
    generators: {
      'openapi-typescript': (document, output) => ['openapi-typescript', document, '--output', `${output}/schema.d.ts`],
      'hey-api': (document, output) => ['openapi-ts', '--input', document, '--output', output, '--client', '@hey-api/client-fetch', '--no-log-file'],
      orval: (document, output) => ['orval', '--input', document, '--output', `${output}/client.ts`, '--client', 'fetch'],
      'orval-zod': (document, output) => ['orval', '--input', document, '--output', `${output}/schemas.ts`, '--client', 'zod']
    },
    compile: (output, program) => [
      ['tsc', '--project', program],
      ['esbuild', `${program}/main.ts`, '--bundle', '--platform=node', '--format=esm', `--outfile=${output}/main.mjs`]
    ],
    run: (output, _program, url) => ['node', `${output}/main.mjs`, url]
  },
  {
    prepare: installGoTools,
    generators: {
      'oapi-codegen': (document, output) => ['oapi-codegen', '-config', 'config/oapi-codegen.yaml', '-o', `${output}/client.go`, document],
      ogen: (document, output) => ['ogen', '--config', 'config/ogen.yaml', '--loglevel', 'error', '--package', 'ogen', '--target', output, document]
    },
    compile: (output, program) => [['go', 'vet', `./${output}`, `./${program}`], ['go', 'build', '-o', `.bin/${basename(program)}-program`, `./${program}`]],
    run: (_output, program, url) => [`${root}/.bin/${basename(program)}-program`, url]
  },
  {
    prepare: () => installPythonPackages('requirements.txt', '.venv'),
    generators: {
      'openapi-python-client': (document, output) => ['openapi-python-client', 'generate', '--path', document, '--output-path', `${output}/userlake_client`,
        '--meta', 'none', '--config', 'config/openapi-python-client.yaml', '--fail-on-warning']
    },
    compile: (output, program) => [['mypy', '--strict', `${output}/userlake_client`, `${program}/main.py`]],
    run: (_output, program, url) => ['python', `${program}/main.py`, url]
  }
]

/** Schemas to check values with, not a client: its program sends only some of the requests, and is not run with faults. */
const SCHEMAS_ONLY = 'orval-zod'

const names = toolchains.flatMap(({ generators }) => Object.keys(generators))
const { document, only, ...options } = readArguments()
const service = options.serve ? await serve() : undefined
const url = service?.url ?? options.url
const proxies = url === undefined ? [] : await Promise.all(faults.map(async (fault) => ({ fault: fault.name, ...await startProxy(url, fault) })))
const counts = { passed: 0, failed: 0, skipped: 0 }
await Promise.all(toolchains.map(check))
for (const proxy of proxies) proxy.stop()
service?.stop()
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = counts.failed === 0 ? 0 : 1

function readArguments () {
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: 'string', multiple: true }, url: { type: 'string' }, serve: { type: 'boolean' }, help: { type: 'boolean' } } })
    if (values.help) {
      console.log(HELP + names.join(', '))
      process.exit(0)
    }
    if (positionals.length > 1) throw new Error('more than one document')
    const document = resolve(positionals[0] ?? `${repository}/openapi.json`)
    if (!existsSync(document)) throw new Error(`there is no file ${document}`)
    if (values.serve && !existsSync(`${repository}/dist/server.js`)) throw new Error('not built: run npm run build')
    const only = values.only ?? names
    const unknown = only.find((name) => !names.includes(name))
    if (unknown !== undefined) throw new Error(`--only: got "${unknown}"; must be one of ${names.join(', ')}`)
    return { document, only, url: values.url, serve: values.serve }
  } catch (error) {
    console.error(error.message)
    process.exit(2)
  }
}

/** Checks the generators of one toolchain, one after another. */
async function check ({ prepare, generators, compile, run: execute }) {
  const selected = Object.entries(generators).filter(([name]) => only.includes(name))
  if (selected.length === 0) return
  const failure = await prepare().then(() => undefined, (error) => error)
  for (const [name, generate] of selected) {
    const started = performance.now()
    try {
      if (failure !== undefined) throw failure
      const [output, program] = [`generated/${name}`, `programs/${name}`]
      rmSync(`${root}/${output}`, { recursive: true, force: true })
      mkdirSync(`${root}/${output}`, { recursive: true })
      await run(generate(document, output))
      for (const command of compile(output, program)) await run(command)
      if (url !== undefined) await run(execute(output, program, url))
      if (name !== SCHEMAS_ONLY) await findFaults((url) => execute(output, program, url))
      report('passed', `${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`)
    } catch (error) {
      if (error instanceof Unavailable) report('skipped', `${name}: ${error.message}`)
      else report('failed', `${name}: ${error.message}`)
    }
  }
}

/** Runs a program with each fault. @throws Error if it passes with one, or fails without. */
async function findFaults (execute) {
  for (const { fault, url } of proxies) {
    const failure = await run(execute(url)).then(() => undefined, (error) => error)
    if (fault === 'none' && failure !== undefined) throw failure
    if (fault !== 'none' && !(failure instanceof CommandError)) throw failure ?? new Error(`the program passes with a fault: ${fault}`)
  }
}

function report (result, text) {
  counts[result]++
  console.log(`${result}: ${text}`)
}

async function installNpmPackages () {
  if (isInstalled('package-lock.json', 'node_modules')) return
  await run(['npm', 'ci'])
  markInstalled('package-lock.json', 'node_modules')
}

async function installGoTools () {
  await requireCommand(['go', 'version'], 'Go')
  await install(['go', 'install', 'tool'])
}
