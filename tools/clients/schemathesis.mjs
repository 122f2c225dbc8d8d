#!/usr/bin/env node
// Runs Schemathesis against the service and the OpenAPI document that it serves. See --help.
import { parseArgs } from 'node:util'
import { installPythonPackages, root, run, serve } from './toolbox.mjs'

const HELP = `Usage: node tools/clients/schemathesis.mjs [--short] [--seed SEED]

Starts the service of this repository, which must be built, with the sample data. Schemathesis then sends valid and invalid requests for each operation
of /openapi.json. Fails if a response has a 5xx status, or a status, content type, header or body that the document does not describe.

Installs Schemathesis (schemathesis-requirements.txt) into tools/clients/.venv-schemathesis.

  --short      20 requests for each operation instead of 200, besides those that Schemathesis derives from the document
  --seed SEED  repeat a run; each run prints its seed
  --help       this text
`

const { values: { short, seed, help } } = parseArgs({ options: { short: { type: 'boolean' }, seed: { type: 'string' }, help: { type: 'boolean' } } })
if (help) {
  process.stdout.write(HELP)
  process.exit()
}
await installPythonPackages('schemathesis-requirements.txt', '.venv-schemathesis')
const { url, stop } = await serve({ LOG_REQUESTS: 'false', AGGREGATE_INTERVAL: '1h' })
try {
  const checks = ['not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_headers_conformance', 'response_schema_conformance']
  // Stateful tests follow links between operations, of which the document has none.
  const options = ['--phases', 'examples,coverage,fuzzing', '--max-examples', short ? '20' : '200', '--checks', checks.join(), '--continue-on-failure', '--warnings', 'off', '--no-color']
  process.stdout.write(await run([`${root}/.venv-schemathesis/bin/schemathesis`, 'run', `${url}/openapi.json`, ...options, ...seed === undefined ? [] : ['--seed', seed]]))
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
} finally {
  stop()
}
