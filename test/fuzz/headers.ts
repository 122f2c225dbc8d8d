import assert from 'node:assert/strict'
import { connect } from 'node:net'
import fc from 'fast-check'
import { build, csv, PNG } from '../support/app.js'
import type { Target } from './target.js'

/**
 * Some requests announce a body that is never sent. If such a request has no response for this time, in milliseconds, the client ends its side of the connection, so that the
 * server responds to what it has received. Not earlier, because the service regards a client that has ended its side as disconnected.
 */
const END_AFTER_MS = 5000
/** The time limit of a response, in milliseconds. */
const TIMEOUT_MS = 20_000

/** The beginnings of request lines. */
const REQUESTS = ['GET /data', 'GET /data?limit=1', 'GET /data.csv', 'GET /data/1', 'GET /data/none', 'GET /data/1/image', 'HEAD /data/1/image', 'HEAD /data', 'GET /stats', 'GET /changes', 'GET /rejects', 'GET /schema', 'GET /openapi.json', 'GET /', 'GET /readyz', 'GET /metrics', 'POST /data?dry_run=true', 'POST /events/s3', 'OPTIONS /data', 'GET /none', 'DELETE /data'] as const
const HEADER_NAMES = ['Range', 'If-Range', 'If-Match', 'If-None-Match', 'If-Modified-Since', 'If-Unmodified-Since', 'Accept', 'Accept-Encoding', 'Accept-Language', 'Accept-Charset', 'Content-Type', 'Origin', 'Host', 'Transfer-Encoding', 'traceparent', 'tracestate', 'Cache-Control', 'Prefer', 'Authorization', 'X-Request-Id', 'Access-Control-Request-Method'] as const

/** Parts of the values of these headers. Each may become a part of any header. */
const FRAGMENTS = [
  '', ' ', '\t', ',', ';', '=', '-', '"', '*', '/', ':', '%', '\\', '\0', '\x7f', '\x80', 'é', 'W/', 'q=', ';q=0', ';q=1.0001', '0', '1', '-1', '99999999999999999999', '1e9', 'NaN',
  'bytes=', 'bytes=0-0', 'bytes=-5', 'bytes=5-', 'items=', '"x"', 'Sun, 15 Jun 2025 12:15:30 GMT', 'Thu, 99 Foo 0000 99:99:99 GMT', '*/*', 'text/csv', 'text/*', 'application/json', 'application/x-ndjson', 'image/png', 'gzip', 'br', 'identity', 'chunked', 'charset=utf-8', 'charset=latin1', 'boundary=',
  'null', 'http://localhost', 'https://example.org:99999', '[::1]', '[::1', 'localhost', '127.0.0.1:', 'user@', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'ff-', 'no-cache', 'max-age=', 'only-if-cached', 'respond-async', 'wait=', 'Bearer ', 'Basic ', '__proto__'
] as const

const value = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...FRAGMENTS) },
  { weight: 6, arbitrary: fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 5 }).map((parts) => parts.join('')) },
  { weight: 2, arbitrary: fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 30 }).map((bytes) => String.fromCharCode(...bytes).replaceAll(/[\r\n]/g, '')) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...FRAGMENTS), fc.integer({ min: 10, max: 5000 })).map(([part, times]) => part.repeat(times).slice(0, 20_000)) }
)
const headers = fc.array(fc.tuple(fc.constantFrom(...HEADER_NAMES), value), { minLength: 1, maxLength: 4 })

interface Response { readonly status: number, readonly type: string, readonly body: string }

/** Sends a request as it is, and returns the response. @param mayBeIncomplete whether the server may wait for more of the request */
async function send (port: number, request: string, mayBeIncomplete: boolean): Promise<Response> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  const ending = mayBeIncomplete ? setTimeout(() => { socket.end() }, END_AFTER_MS) : undefined
  const timeout = setTimeout(() => { socket.destroy(new Error('no response')) }, TIMEOUT_MS)
  socket.on('data', (chunk) => {
    clearTimeout(ending)
    chunks.push(chunk)
  })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.on('error', (error: NodeJS.ErrnoException) => error.code === 'ECONNRESET' ? resolve() : reject(error))
      socket.on('close', () => resolve())
      socket.write(request, 'latin1')
    })
  } finally {
    clearTimeout(ending)
    clearTimeout(timeout)
  }
  const text = Buffer.concat(chunks).toString('latin1')
  const end = text.indexOf('\r\n\r\n')
  const head = text.slice(0, end)
  const body = text.slice(end + 4)
  const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? body.length)
  return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]), type: /^content-type: (.*)$/im.exec(head)?.[1] ?? '', body: body.slice(0, length) }
}

export const oddHeaders: Target = {
  name: 'headers',
  about: 'requests with odd values of headers, as bytes on a connection: no 5xx, and each 4xx has a problem as its body',
  runs: 300,
  open: async () => {
    const closing: (() => unknown)[] = []
    const { app, fresh } = await build({ teardown: (close) => { closing.push(close!) } }, { files: { '1.csv': csv('Ann'), '1.png': PNG, '2.csv': csv('Bob') } })
    await fresh('/data')
    const port = Number(new URL(await app.listen({ port: 0 })).port)
    const property = fc.asyncProperty(fc.constantFrom(...REQUESTS), headers, async (methodAndPath, fields) => {
      const host = fields.some(([name]) => name === 'Host') ? [] : ['Host: localhost']
      const hasBody = fields.some(([name]) => name === 'Transfer-Encoding')
      const isChunked = fields.some(([name, text]) => name === 'Transfer-Encoding' && /chunked/i.test(text))
      const lines = [`${methodAndPath} HTTP/1.1`, 'Connection: close', ...host, ...fields.map(([name, text]) => `${name}: ${text}`)]
      const { status, type, body } = await send(port, `${lines.join('\r\n')}\r\n\r\n${isChunked ? '0\r\n\r\n' : ''}`, hasBody)
      assert.ok(status >= 200 && status < 500, `${methodAndPath}: ${status} ${body}`)
      if (status < 400) return
      assert.match(type, /^application\/problem\+json/, `${methodAndPath}: ${status} ${type}`)
      if (!methodAndPath.startsWith('HEAD ') || body !== '') assert.equal((JSON.parse(body) as { status: number }).status, status)
    })
    return { property, close: async () => { for (const close of closing.toReversed()) await close() } }
  }
}
