import type { Agent } from 'node:http'
import type { Duplex } from 'node:stream'

/**
 * The milliseconds after which a connection is closed when it is free, although it works: the next one looks the name of the server up again, so a server that has moved, or
 * one that was added, gets requests.
 */
export const MAX_CONNECTION_AGE_MS = 300_000

/** Makes an agent close free connections that are older than `maxMs`, counted from the end of their first request. Returns the agent. */
export function limitAge<T extends Agent> (agent: T, maxMs = MAX_CONNECTION_AGE_MS, clock = () => performance.now()): T {
  const firstFreed = new WeakMap<Duplex, number>()
  // The documentation of Node names this method as one to override; a false result closes the connection.
  const keep = agent.keepSocketAlive.bind(agent) as (socket: Duplex) => boolean | void
  agent.keepSocketAlive = (socket: Duplex): boolean => {
    const now = clock()
    const since = firstFreed.get(socket) ?? now
    firstFreed.set(socket, since)
    return now - since < maxMs && keep(socket) !== false
  }
  return agent
}
