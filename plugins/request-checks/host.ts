import { isIP } from 'node:net'
import type { IncomingMessage } from 'node:http'
import { excerpt, httpProblem, type Problem } from '../problems/problem.js'

/** A host as defined by RFC 3986, with an optional port. */
const HOST = /^(\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]+)(?::\d*)?$/i

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]']

/** The names that `Host` may contain, in lower case and without ports. `undefined`: any name. */
export type AllowedHosts = ReadonlySet<string> | undefined

/**
 * Parses the setting ALLOWED_HOSTS: `*`, or names and addresses separated by commas. If it is empty, a server that listens on a loopback
 * address accepts loopback names only, and any other server accepts all names.
 */
export function parseAllowedHosts (setting: string, listensOn: string): AllowedHosts {
  if (setting === '*') return undefined
  if (setting !== '') return new Set(setting.toLowerCase().split(','))
  return isLoopback(listensOn) ? new Set([...LOOPBACK_NAMES, toName(listensOn)]) : undefined
}

/** Whether a server that listens on this name or address can be reached only from its own machine. */
export function isLoopback (listensOn: string): boolean {
  const name = toName(listensOn)
  return LOOPBACK_NAMES.includes(name) || /^127\.[\d.]+$/.test(name)
}

/** A name or address as `Host` contains it. */
function toName (listensOn: string): string {
  return isIP(listensOn) === 6 ? `[${listensOn}]` : listensOn.toLowerCase()
}

/** Whether a setting can be read by `parseAllowedHosts`. */
export function isAllowedHosts (setting: string): boolean {
  return setting === '' || setting === '*' || setting.split(',').every((name) => nameOf(name) === name.toLowerCase() && !name.includes('*'))
}

/** 400 if the Host header is missing, repeated or malformed. */
export function findMalformedHost ({ headers: { host }, rawHeaders, httpVersion }: IncomingMessage): Problem | undefined {
  if (host === undefined) return httpVersion === '1.1' ? httpProblem(400, 'The request has no Host header') : undefined
  if (nameOf(host) === undefined) return httpProblem(400, `Host: got ${JSON.stringify(excerpt(host))}; must be a name or an address, optionally with a port`)
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
  if (host !== lastParsed.host) lastParsed = { host, name: HOST.exec(host)?.[1]?.toLowerCase() }
  return lastParsed.name
}

/** The last result, because consecutive requests mostly have the same Host. */
let lastParsed: { readonly host: string, readonly name: string | undefined } = { host: '', name: undefined }

/** The number of Host headers. If there are several, `headers.host` is the first one only. */
function countHosts (rawHeaders: readonly string[]): number {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]!.length === 4 && rawHeaders[i]!.toLowerCase() === 'host') count++
  return count
}
