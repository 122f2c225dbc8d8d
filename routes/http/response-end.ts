import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply } from 'fastify'

/** By response, the functions to call when it ends. */
const releasesOf = new WeakMap<ServerResponse, (() => void)[]>()

/**
 * By connection, the functions to call when its open responses end. Arrays and not Sets, for the reason that
 * `lib/store/s3/fast-path/buffered-http.ts` explains.
 */
const openResponses = new WeakMap<Socket, (() => void)[]>()

/** Whether nothing of the response can be sent any more: it has ended or, possibly before it began, its connection was closed. */
export function hasEnded ({ raw, request: { raw: { socket } } }: FastifyReply): boolean {
  return raw.destroyed || raw.writableFinished || socket.destroyed
}

/**
 * Calls `release` once when the response has ended: sent completely, broken off, or never sent because its connection
 * closed first. If that has happened already, calls it at once. Every resource of a response is released here.
 *
 * The events of the response are not enough: a response that waits for others on its connection (HTTP pipelining) emits no
 * 'close' when the connection closes.
 */
export function onResponseEnd (reply: FastifyReply, release: () => void): void {
  if (hasEnded(reply)) {
    release()
    return
  }
  const { raw, request: { raw: { socket } } } = reply
  const releases = releasesOf.get(raw)
  if (releases === undefined) {
    releasesOf.set(raw, [release])
    listen(raw, socket)
  } else {
    releases.push(release)
  }
}

/** One listener for each response, for all that it holds: Node warns of more than ten. */
function listen (response: ServerResponse, socket: Socket): void {
  const responses = responsesOf(socket)
  const end = () => {
    const index = responses.indexOf(end)
    if (index === -1) return
    responses.splice(index, 1)
    const releases = releasesOf.get(response)!
    releasesOf.delete(response)
    for (const release of releases) release()
  }
  responses.push(end)
  response.once('close', end)
}

/** One listener for each connection, for all of its responses. */
function responsesOf (socket: Socket): (() => void)[] {
  let responses = openResponses.get(socket)
  if (responses === undefined) {
    const ends: (() => void)[] = responses = []
    openResponses.set(socket, ends)
    socket.once('close', () => {
      for (const end of [...ends]) end()
    })
  }
  return responses
}
