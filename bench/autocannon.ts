import { readFileSync } from 'node:fs'
import autocannon, { type Client, type Options } from 'autocannon'

// Runs autocannon in a separate process and prints the numbers of succeeded and failed requests: autocannon.js <JSON file of its options>

const { requests = [], connections = 1, ...options } = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as Options
let opened = 0
// Each connection would send all requests: they are dealt out, so that each is sent once.
const setupClient = (client: Client) => {
  const first = opened++
  if (requests.length > 0) client.setRequests(requests.filter((_, i) => i % connections === first))
}
const result = await autocannon({ ...options, connections, setupClient })
const { '2xx': ok, '3xx': notModified, '4xx': clientErrors, '5xx': serverErrors, errors, timeouts } = result
process.stdout.write(JSON.stringify({ succeeded: ok + notModified, failed: clientErrors + serverErrors + errors + timeouts }))
