import {
  DeleteObjectCommand, GetBucketVersioningCommand, GetObjectLockConfigurationCommand, ListObjectsV2Command, ListObjectVersionsCommand, type S3Client
} from '@aws-sdk/client-s3'
import { RetryBudget } from '../../base/retry-budget.js'
import type { Inspector } from '../inspector.js'
import type { StoreError } from '../object-store.js'
import { createClients, type S3ClientSettings } from './s3-client.js'
import { nameOfServer, statusOf, toS3Error } from './s3-error.js'
import { readPage } from './s3-listing.js'

/** Inspects a bucket. */
export class S3Inspector implements Inspector {
  readonly server: string
  readonly #bucket: string
  readonly #serverName: string
  readonly #client: S3Client
  #clockOffsetMs: number | undefined

  constructor (bucket: string, settings: S3ClientSettings) {
    this.#bucket = bucket
    this.#client = createClients(settings, new RetryBudget()).retrying
    this.#serverName = nameOfServer(settings.endpoint)
    const isDefault = settings.region === undefined && settings.endpoint !== undefined
    this.server = `${this.#serverName}, region ${settings.region ?? (isDefault ? 'us-east-1 (default)' : 'of the AWS configuration')}`
    this.#client.middlewareStack.add((next) => async (args) => {
      const result = await next(args)
      const { headers } = result.response as { readonly headers?: Readonly<Record<string, string>> }
      const date = Date.parse(headers?.['date'] ?? '')
      if (!Number.isNaN(date)) this.#clockOffsetMs = date - Math.floor(Date.now() / 1000) * 1000
      return result
    }, { step: 'deserialize', priority: 'low', name: 'readDate' })
  }

  get clockOffsetMs (): number | undefined {
    return this.#clockOffsetMs
  }

  async keysAfter (prefix: string, after: string | undefined, max: number): Promise<readonly string[]> {
    const input = { Bucket: this.#bucket, Prefix: prefix, EncodingType: 'url', StartAfter: after, MaxKeys: max } as const
    const { objects } = readPage(await this.#try(this.#client.send(new ListObjectsV2Command(input))))
    return [...objects].map(({ key }) => key)
  }

  async whyNotRemovable (prefix: string): Promise<string | undefined> {
    const lock = await this.#client.send(new GetObjectLockConfigurationCommand({ Bucket: this.#bucket })).catch(toUnknown)
    if (lock?.ObjectLockConfiguration?.Rule?.DefaultRetention !== undefined) return 'the bucket retains every object for some time'
    const deleted = await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: `${prefix}none` })).catch((error: unknown) => {
      if (statusOf(error) !== 403) throw this.#toError(error)
    })
    if (deleted === undefined) return 'the credentials do not allow s3:DeleteObject'
    const versioning = await this.#client.send(new GetBucketVersioningCommand({ Bucket: this.#bucket })).catch(toUnknown)
    if (versioning?.Status === undefined && deleted.DeleteMarker !== true) return undefined
    try {
      await this.#removeVersions(prefix)
      return undefined
    } catch (error) {
      if ((error as StoreError).code !== 'access_denied') throw error
      return 'the bucket keeps versions, and the credentials do not allow s3:ListBucketVersions and s3:DeleteObjectVersion'
    }
  }

  async remove (prefix: string, keys: readonly string[]): Promise<void> {
    let isVersioned = false
    for (const Key of keys) {
      const { VersionId } = await this.#try(this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key })))
      isVersioned ||= VersionId !== undefined
    }
    if (isVersioned) await this.#removeVersions(prefix)
  }

  async close (): Promise<void> {
    this.#client.destroy()
  }

  async #removeVersions (prefix: string): Promise<void> {
    for (;;) {
      const { Versions = [], DeleteMarkers = [] } = await this.#try(this.#client.send(new ListObjectVersionsCommand({ Bucket: this.#bucket, Prefix: prefix })))
      const all = [...Versions, ...DeleteMarkers]
      if (all.length === 0) return
      for (const { Key, VersionId } of all) await this.#try(this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key, VersionId })))
    }
  }

  async #try<T> (work: Promise<T>): Promise<T> {
    return await work.catch((error: unknown) => { throw this.#toError(error) })
  }

  #toError (error: unknown): StoreError {
    return toS3Error(error, `s3://${this.#bucket}`, this.#serverName)
  }
}

/** Handles the error of a server that does not have a feature, or of credentials that may not read its configuration: the configuration is then not known. */
function toUnknown (): undefined {}
