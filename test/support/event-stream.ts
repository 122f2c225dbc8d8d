import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import type { Test } from 'tap'
import type { TestLake } from './app.js'

/** Reads the events of a stream, without comments. */
async function * eventsOf (response: IncomingMessage): AsyncGenerator<Record<string, string>> {
  let text = ''
  for await (const chunk of response) {
    text += String(chunk)
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n').filter((line) => !line.startsWith(':'))
      text = text.slice(end + 2)
      if (lines.length > 0) yield Object.fromEntries(lines.map((line) => /^(\w+): (.*)$/.exec(line)!.slice(1)))
    }
  }
}

/** Listens to the event stream of `GET /changes` until the end of the test. */
export async function listenToChanges (t: Test, { app }: TestLake, search: string, headers: Record<string, string> = {}) {
  const address = app.server.listening ? `http://localhost:${(app.server.address() as { port: number }).port}` : await app.listen({ port: 0 })
  const request = get(`${address}/changes?${search}`, { headers: { accept: 'text/event-stream', ...headers }, agent: false })
  const [response] = await once(request, 'response') as [IncomingMessage]
  t.teardown(() => request.destroy())
  const events = eventsOf(response)
  return { response, next: async () => (await events.next()).value as Record<string, string> | undefined }
}
