import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'
import type { Test } from 'tap'

export interface CountingProxy {
  readonly url: string
  /** The keys of the GET requests, in order of arrival. */
  readonly gets: string[]
  /** The URLs of the requests for listings, in order of arrival. */
  readonly lists: string[]
}

/** Starts a proxy to a real S3 server that records the requests. Signatures remain valid, because it forwards the Host header. */
export async function startCountingProxy (t: Test, endpoint: string): Promise<CountingProxy> {
  const { hostname, port } = new URL(endpoint)
  const gets: string[] = []
  const lists: string[] = []
  const server = createServer((message, response) => {
    const { method, url, headers } = message
    const [, , ...key] = url!.split('?')[0]!.split('/')
    if (method === 'GET' && key.length > 0 && key[0] !== '') gets.push(decodeURIComponent(key.join('/')))
    if (method === 'GET' && url!.includes('list-type=2')) lists.push(url!)
    const forwarded = request({ hostname, port, method, path: url, headers }, (upstream) => {
      response.writeHead(upstream.statusCode!, upstream.headers)
      pipeline(upstream, response, () => {})
    })
    pipeline(message, forwarded, (error) => { if (error) response.destroy() })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  }))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, gets, lists }
}
