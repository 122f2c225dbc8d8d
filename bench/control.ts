import { readFileSync } from 'node:fs'
import Fastify, { LogController } from 'fastify'

// The control that the service is compared with: a bare Fastify server that only sends prepared responses. Route `/<i>` sends response i, from 0. A message
// replaces the prepared responses; the reply is empty.
// control.js <number of routes>

/** A response of the service, for the control to send. */
export interface PreparedResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The path of the file with the body. */
  readonly file: string
}

/** A message of the benchmark to the control. */
export interface Message {
  readonly responses: readonly PreparedResponse[]
}

if (process.argv[1] === import.meta.filename) {
  const fastify = Fastify({ logger: { level: 'info' }, logController: new LogController({ disableRequestLogging: true }) })
  let prepared: readonly { status: number, headers: Readonly<Record<string, string>>, body: Buffer }[] = []
  process.on('message', ({ responses }: Message) => {
    prepared = responses.map(({ status, headers, file }) => ({ status, headers, body: readFileSync(file) }))
    process.send!({})
  })
  for (let i = 0; i < Number(process.argv[2]); i++) {
    fastify.get(`/${i}`, async (_request, reply) => {
      const { status, headers, body } = prepared[i]!
      reply.code(status).headers(headers)
      return status === 304 ? reply.send() : body
    })
  }
  await fastify.listen({ port: 0, host: '127.0.0.1' })
}
