import type { Settings } from '../config/settings.js'

/** The settings that have the sources of credentials. If all are empty, no request needs credentials. */
export const CREDENTIAL_SETTINGS = ['API_KEYS', 'API_KEYS_FILE', 'JWT_ISSUER'] as const

/** What clients may do without credentials, for messages. */
export function describeAnonymousAccess ({ PUBLISH }: Settings): string {
  return `every client that reaches the port can read all records${PUBLISH ? ' and update the output' : ''}`
}
