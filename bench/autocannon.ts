import { readFileSync } from 'node:fs'
import autocannon from 'autocannon'

// Runs autocannon in a separate process and prints the numbers of succeeded and failed requests: autocannon.js <JSON file of its options>

const result = await autocannon(JSON.parse(readFileSync(process.argv[2]!, 'utf8')))
const { '2xx': ok, '3xx': notModified, '4xx': clientErrors, '5xx': serverErrors, errors, timeouts } = result
process.stdout.write(JSON.stringify({ succeeded: ok + notModified, failed: clientErrors + serverErrors + errors + timeouts }))
