import { readFileSync } from 'node:fs'
import Fastify, { LogController } from 'fastify'

// The control that the service is compared with: a bare Fastify server that only sends prepared responses. Route `/<i>` sends response i, from 0.
// control.js <file: JSON array of PreparedResponse>

/** A response of the service, for the control to send. */
export interface PreparedResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The path of the file with the body. */
  readonly file: string
}

if (process.argv[1] === import.meta.filename) {
  const fastify = Fastify({ logger: { level: 'info' }, logController: new LogController({ disableRequestLogging: true }) })
  const responses = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as PreparedResponse[]
  for (const [i, { status, headers, file }] of responses.entries()) {
    const body = readFileSync(file)
    fastify.get(`/${i}`, async (_request, reply) => {
      reply.code(status).headers(headers)
      return status === 304 ? reply.send() : body
    })
  }
  await fastify.listen({ port: 0, host: '127.0.0.1' })
}
