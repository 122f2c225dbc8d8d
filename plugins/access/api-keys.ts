import { createHash, timingSafeEqual } from 'node:crypto'
import { isScope, SCOPES, type Client } from './scopes.js'

/** An API key without its text, which only its owner has. */
interface ApiKey extends Client {
  /** The SHA-256 of the text. Keys are random, so that a slow hash would protect them no better. */
  readonly digest: Buffer
}

/** The beginning of every key that `userlake key` makes. It makes keys recognizable, also for tools that look for secrets in files. */
export const KEY_PREFIX = 'userlake_'

const FORMAT = `<name>:<scopes>:<hash>, as userlake key prints it, with scopes of ${SCOPES.join(', ')}, separated by +`

/** Whether a client may have this name. */
export function isClientName (text: string): boolean {
  return /^[\w.@-]{1,64}$/.test(text)
}

/** The hash of a key, as the settings contain it. */
export function hashOf (key: string): string {
  return digestOf(key).toString('base64url')
}

/** The API keys of a setting or a file. */
export class ApiKeys {
  readonly #keys: readonly ApiKey[]
  /** The clients by the texts of their keys. Only valid keys are added, so it has at most as many entries as there are keys. */
  readonly #clients = new Map<string, Client>()

  /**
   * @param text entries of the form `<name>:<scopes>:<hash>`, separated by commas or white space. A line that begins with # is a comment. Several
   * keys may have the same name, so that a key can be replaced without a pause.
   * @throws {Error} names the first malformed entry by its number and not by its text, which may be a key that was entered by mistake
   */
  constructor (text: string) {
    this.#keys = text.replaceAll(/^\s*#.*$/gm, '').split(/[\s,]+/).filter((entry) => entry !== '').map(parseEntry)
  }

  /** The number of entries. */
  get count (): number {
    return this.#keys.length
  }

  /** The client with this key; `undefined` if the key is not valid. A key that is not yet known to be valid is compared with all hashes in constant time. */
  find (key: string): Client | undefined {
    const known = this.#clients.get(key)
    if (known !== undefined) return known
    const digest = digestOf(key)
    const [found] = this.#keys.filter((other) => timingSafeEqual(other.digest, digest))
    if (found !== undefined) this.#clients.set(key, found)
    return found
  }
}

function digestOf (key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

function parseEntry (entry: string, index: number): ApiKey {
  const [name = '', list = '', hash = '', ...rest] = entry.split(':')
  const scopes = list.split('+')
  if (isClientName(name) && scopes.every(isScope) && /^[\w-]{43}$/.test(hash) && rest.length === 0) return { name, scopes, digest: Buffer.from(hash, 'base64url') }
  const isKey = entry.startsWith(KEY_PREFIX, entry.lastIndexOf(':') + 1)
  throw new Error(isKey ? `entry ${index + 1} has the key itself; use the text after "entry:", which userlake key prints below the key` : `entry ${index + 1} is malformed; must be ${FORMAT}`)
}
