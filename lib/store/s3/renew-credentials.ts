import type { S3Client } from '@aws-sdk/client-s3'
import type { SigningKeys } from './fast-path/request-signer.js'
import { hasRefusedCredentials, statusOf, toCredentialsError } from './s3-error.js'

/** The minimum time between two renewals, in milliseconds: each may take a request, such as one that assumes a role, and the credentials may not be the cause. */
const PAUSE_MS = 30_000

/** Takes credentials from their source again. Returns whether they differ from `used`, which the server has refused. Never rejects. */
export type Renew = (used: SigningKeys) => Promise<boolean>

/**
 * Returns a function that renews the credentials of the SDK, which otherwise keeps them until they expire, and for ever if it knows no expiration: keys in
 * files are rotated, and temporary credentials revoked.
 *
 * @param provider returns the credentials; with `forceRefresh`, after taking them from their source
 */
export function renewer (provider: (options?: { readonly forceRefresh?: boolean }) => Promise<SigningKeys>): Renew {
  let renewedAt = -Infinity
  let renewing: Promise<unknown> = Promise.resolve()
  return async (used) => {
    if (performance.now() - renewedAt >= PAUSE_MS) {
      renewedAt = performance.now()
      renewing = provider({ forceRefresh: true })
    }
    try {
      await renewing
      return !isSame(used, await provider())
    } catch {
      return false
    }
  }
}

/**
 * Makes a client repeat each request once if the server has refused it because of its credentials or of the clock: such a request has had no effect.
 *
 * @param env the environment, for the error if there are no credentials
 */
export function repeatRefused (client: S3Client, renew: Renew, env: NodeJS.ProcessEnv): void {
  client.middlewareStack.add((next, { commandName }) => async (args) => {
    const used = await client.config.credentials().catch((error: unknown) => { throw toCredentialsError(error, env) })
    try {
      return await next(args)
    } catch (error) {
      const isRepeated = isCorrected(error) || (mayBeOutdated(error, commandName) && await renew(used))
      if (!isRepeated) throw error
      return await next(args)
    }
  }, { step: 'initialize', name: 'repeatRefused' })
}

/**
 * Whether the server may have refused a request because its credentials are outdated. Revoked credentials have no error code of their own. A listing that is refused
 * counts, because the service always needs the right to list. An object that is refused does not count: without the right to list, S3 also refuses objects that do
 * not exist.
 */
function mayBeOutdated (error: unknown, commandName: string | undefined): boolean {
  return hasRefusedCredentials(error) || (statusOf(error) === 403 && commandName === 'ListObjectsV2Command')
}

/** Whether the server has refused a request, and the SDK has found from its response that the clocks differ, so that it knows the difference now. */
function isCorrected (error: unknown): boolean {
  return statusOf(error) === 403 && (error as { readonly $metadata?: { readonly clockSkewCorrected?: boolean } }).$metadata?.clockSkewCorrected === true
}

function isSame (a: SigningKeys, b: SigningKeys): boolean {
  return a.accessKeyId === b.accessKeyId && a.secretAccessKey === b.secretAccessKey && a.sessionToken === b.sessionToken
}
