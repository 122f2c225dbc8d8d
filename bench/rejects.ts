import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import Fastify, { type InjectOptions } from 'fastify'
import app, { serverOptions } from '../app.js'
import { startWorker } from '../lib/worker/worker-backend.js'
import { startS3Endpoint } from '../test/support/s3-endpoint.js'

// node dist-test/bench/rejects.js: measures the CPU time of the main thread with 100,000 rejects. Linux only. The test endpoint runs in a separate thread.

const REJECTS = 100_000
const ROUNDS = 5

async function serveBucket (): Promise<void> {
  const endpoint = await startS3Endpoint()
  const bucket = endpoint.bucket('rejects')
  const infoFile = (birthts: string | number) => `first_name,last_name,birthts\nAnn,Lee,${birthts}\n`
  for (let i = 0; i < REJECTS; i++) bucket.put(`source_data/u${String(i).padStart(6, '0')}.csv`, infoFile('1990-05-01')) // not a number of milliseconds
  bucket.put('source_data/good.csv', infoFile(0))
  parentPort!.on('message', (birthts: number) => {
    bucket.put('source_data/good.csv', infoFile(birthts))
    parentPort!.postMessage('changed')
  })
  parentPort!.postMessage(endpoint.url)
}

/** CPU time of the main thread, in milliseconds. */
function cpuMs (): number {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6
}

/** Prints the mean CPU time of ROUNDS rounds, after one warm-up round that is not measured. */
async function measure (name: string, run: (round: number) => Promise<string | void>): Promise<void> {
  const outcome = await run(0)
  const before = cpuMs()
  for (let round = 1; round <= ROUNDS; round++) await run(round)
  process.stdout.write(`${name}: ${((cpuMs() - before) / ROUNDS).toFixed(1)} ms${outcome === undefined ? '' : `, ${outcome}`}\n`)
}

async function main (): Promise<void> {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench' })
  const endpoint = new Worker(new URL(import.meta.url))
  const [url] = await once(endpoint, 'message') as [string]
  const fastify = Fastify(serverOptions)
  await fastify.register(app, {
    worker: startWorker(), settings: { LAKE_URL: 's3://rejects', AWS_ENDPOINT_URL_S3: url, MAX_STALENESS: '1h', REFRESH_WAIT: '120s', PUBLISH: 'false' }
  })
  await fastify.inject('/data')
  const request = async (options: InjectOptions | string) => {
    const { statusCode, rawPayload, headers } = await fastify.inject(options)
    return { etag: String(headers.etag), outcome: `${statusCode}, ${rawPayload.length} bytes` }
  }
  await measure('reconcile, nothing changed', async () => await fastify.transformer.reconcile({ fresh: true }))
  await measure('reconcile, one record changed', async (round) => {
    endpoint.postMessage(round)
    await once(endpoint, 'message')
    await fastify.transformer.reconcile({ fresh: true })
  })
  const { etag } = await request('/rejects')
  for (const [name, options] of Object.entries<InjectOptions | string>({
    'GET /rejects': '/rejects',
    'GET /rejects, gzip': { url: '/rejects', headers: { 'accept-encoding': 'gzip' } },
    'GET /rejects, If-None-Match': { url: '/rejects', headers: { 'if-none-match': etag } },
    'GET /rejects?limit=10000': '/rejects?limit=10000',
    'GET /rejects.csv': '/rejects.csv'
  })) await measure(name, async () => (await request(options)).outcome)
  await fastify.close()
  await endpoint.terminate()
}

await (isMainThread ? main() : serveBucket())
