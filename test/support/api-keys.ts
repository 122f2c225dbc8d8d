import { hashOf } from '../../plugins/access/api-keys.js'
import { SCOPES, type Scope } from '../../plugins/access/scopes.js'

/** The key of a test client, which has these scopes. */
export const keyOf = (...scopes: readonly Scope[]) => `key-with-${scopes.join('-')}`

/** The entry of the setting API_KEYS for the key with these scopes. */
export const entryOf = (...scopes: readonly Scope[]) => `${scopes.join('.')}:${scopes.join('+')}:${hashOf(keyOf(...scopes))}`

/** The header that sends a key. */
export const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

/** The setting API_KEYS with a key for each scope. */
export const ONE_KEY_PER_SCOPE = SCOPES.map((scope) => entryOf(scope)).join(',')
