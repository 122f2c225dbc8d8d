import { readFileSync } from 'node:fs'
import autocannon from 'autocannon'

// A run of autocannon in a process of its own: cannon.js <file of its options>

const result = await autocannon(JSON.parse(readFileSync(process.argv[2]!, 'utf8')))
const { '2xx': ok, '3xx': notModified, '4xx': refused, '5xx': broken, errors, timeouts } = result
process.stdout.write(JSON.stringify({ answered: ok + notModified, failed: refused + broken + errors + timeouts }))
