import { isIP } from 'node:net'
import type { IncomingMessage } from 'node:http'
import { excerpt, httpProblem, type Problem } from '../problems/problem.js'

/** A name or address as RFC 3986 has it, and perhaps a port. */
const HOST = /^(\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]+)(?::\d*)?$/i

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]']

/** Which names of the server a request may use. `undefined`: any. */
export type AllowedHosts = ReadonlySet<string> | undefined

/** Reads the setting: `*`, or names and addresses separated by commas. If it is empty, loopback names only while the server listens on loopback only. */
export function parseAllowedHosts (setting: string, listensOn: string): AllowedHosts {
  if (setting === '*') return undefined
  if (setting !== '') return new Set(setting.toLowerCase().split(','))
  const name = isIP(listensOn) === 6 ? `[${listensOn}]` : listensOn.toLowerCase()
  return LOOPBACK_NAMES.includes(name) || /^127\.[\d.]+$/.test(name) ? new Set([...LOOPBACK_NAMES, name]) : undefined
}

/** Whether a setting can be read by `parseAllowedHosts`. */
export function isAllowedHosts (setting: string): boolean {
  return setting === '' || setting === '*' || setting.split(',').every((name) => nameOf(name) === name.toLowerCase() && !name.includes('*'))
}

/** 400 if the Host header is missing, repeated or malformed. */
export function findMalformedHost ({ headers: { host }, rawHeaders, httpVersion }: IncomingMessage): Problem | undefined {
  if (host === undefined) return httpVersion === '1.1' ? httpProblem(400, 'The request has no Host header') : undefined
  if (nameOf(host) === undefined) return httpProblem(400, `Host: got ${JSON.stringify(excerpt(host))}; must be a name or an address, and perhaps a port`)
  return countHosts(rawHeaders) > 1 ? httpProblem(400, 'The request has more than one Host header') : undefined
}

/**
 * 421 if the request is not for one of the names. A web page of another site can make its own name resolve to the address of this
 * server (DNS rebinding) and then read every response; only the name distinguishes such a request from others.
 */
export function findForeignHost ({ headers: { host } }: IncomingMessage, allowed: AllowedHosts): Problem | undefined {
  if (allowed === undefined || host === undefined || allowed.has(nameOf(host)!)) return undefined
  return httpProblem(421, `Host: got ${JSON.stringify(excerpt(host))}; must be one of ${[...allowed].join(', ')} (setting ALLOWED_HOSTS)`)
}

function nameOf (host: string): string | undefined {
  if (host !== last.host) last = { host, name: HOST.exec(host)?.[1]?.toLowerCase() }
  return last.name
}

/** Most requests have the Host of the one before. */
let last: { readonly host: string, readonly name: string | undefined } = { host: '', name: undefined }

/** Node uses the first of several headers. */
function countHosts (rawHeaders: readonly string[]): number {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]!.length === 4 && rawHeaders[i]!.toLowerCase() === 'host') count++
  return count
}
