// Faults of a service or of a client, each made by a proxy: a program that does not notice one of them checks too little.
import { once } from 'node:events'
import { createServer } from 'node:http'

/** Removes a parameter from requests whose path is `path`. */
const withoutParameter = (name, path) => ({
  name: `${path} without ${name}`,
  request: (request) => {
    if (request.method === 'GET' && request.url.pathname === path) request.url.searchParams.delete(name)
  }
})

/** Removes a header from requests. */
const withoutHeader = (name) => ({ name: `no request header ${name}`, request: ({ headers }) => headers.delete(name) })

/** Changes the JSON of successful responses. */
const changedJson = (name, path, change) => ({
  name,
  response: (response, { url }) => {
    if (!path.test(url.pathname) || response.body.length === 0 || !/json/.test(response.headers.get('content-type'))) return
    const value = JSON.parse(response.body)
    change(value)
    response.body = Buffer.from(JSON.stringify(value))
  }
})

/** The names describe what a client or the service receives. The first one is no fault: every program must pass with it. */
export const faults = [
  { name: 'none' },
  ...['where', 'min_age', 'as_of', 'image_exists', 'sort', 'columns'].map((name) => withoutParameter(name, '/data')),
  { name: 'no next page', response: ({ headers }) => headers.delete('next-cursor') },
  { name: 'a page without its last record', response: (response, { url }) => { if (url.searchParams.has('cursor')) response.body = Buffer.from(JSON.stringify(JSON.parse(response.body).slice(0, -1))) } },
  ...['age_basis', 'bin_width'].map((name) => withoutParameter(name, '/stats')),
  changedJson('a wrong mean', /^\/stats$/, (statistics) => { statistics.average_age = Math.round(statistics.average_age) }),
  changedJson('a name in another encoding', /^\/data\/1003$/, (record) => { record.first_name = Buffer.from(record.first_name).toString('latin1') }),
  changedJson('another code of the problem', /such/, (problem) => { problem.code = 'not_found' }),
  { name: 'a 500 in place of a 404', response: (response) => { if (response.status === 404) response.status = 500 } },
  { name: 'an image as text', response: (response) => { if (/image/.test(response.headers.get('content-type'))) response.body = Buffer.from(response.body.toString()) } },
  changedJson('a dry run that is reported as none', /^\/data$/, (job) => { if (job.dry_run === true) job.dry_run = false }),
  withoutHeader('prefer'),
  changedJson('a job that failed', /^\/jobs\//, (job) => { job.state = 'failed' }),
  withoutHeader('if-none-match'),
  { name: 'CSV with other line ends', response: (response) => { if (/csv/.test(response.headers.get('content-type'))) response.body = Buffer.from(response.body.toString().replaceAll('\r', '')) } }
]

/** Starts a proxy of the service at `target` that makes a fault. */
export async function startProxy (target, fault) {
  const server = createServer((incoming, outgoing) => {
    forward(incoming, outgoing).catch((error) => outgoing.destroy(error))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() }

  async function forward (incoming, outgoing) {
    const headers = new Headers(incoming.headers)
    for (const name of ['host', 'connection', 'content-length', 'accept-encoding']) headers.delete(name)
    const request = { method: incoming.method, url: new URL(incoming.url, target), headers }
    fault.request?.(request)
    const received = await fetch(request.url, { method: request.method, headers: request.headers })
    const response = { status: received.status, headers: new Headers(received.headers), body: Buffer.from(await received.arrayBuffer()) }
    fault.response?.(response, request)
    for (const name of ['connection', 'keep-alive', 'content-length', 'content-encoding', 'transfer-encoding']) response.headers.delete(name)
    outgoing.writeHead(response.status, [...response.headers].flat())
    outgoing.end(response.body)
  }
}
