import { hash } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CreateBucketCommand, CreateMultipartUploadCommand, GetObjectCommand, HeadBucketCommand, HeadObjectCommand,
  ListObjectsV2Command, PutObjectCommand, UploadPartCommand, type BucketLocationConstraint, type CompletedPart, type GetObjectCommandInput, type GetObjectCommandOutput,
  type HeadObjectCommandOutput, type ListObjectsV2CommandOutput, type PutObjectCommandInput, type S3Client
} from '@aws-sdk/client-s3'
import type { RetryBudget } from '../../base/retry-budget.js'
import type { TraceOption } from '../object-store.js'
import { isStreamed, readBody, type Body, type StreamedBody } from '../streamed-body.js'
import { transferMs } from './deadline.js'
import { S3FastPath } from './fast-path/s3-fast-path.js'
import { partsOf } from './multipart.js'
import { bodyOf } from './s3-body.js'
import { createClients, REQUEST_TIMEOUT_MS, type S3ClientSettings } from './s3-client.js'
import { isNoSuchKey, nameOfServer, statusOf } from './s3-error.js'
import type { PageStart } from './s3-listing.js'
import type { BodyOption } from './send-body.js'

/** The conditions and the range of a GET request, as the SDK names them. */
export type GetConditions = Pick<GetObjectCommandInput, 'IfMatch' | 'IfNoneMatch' | 'Range'>
/** The input of a PUT request, as the SDK names it, without the bucket and the key. */
export interface PutInput extends Pick<PutObjectCommandInput, 'ContentType' | 'Metadata' | 'IfMatch' | 'IfNoneMatch'> {
  readonly Body: Body
  /** Whether the body is sent by a multipart upload instead of one PUT. */
  readonly inParts?: boolean | undefined
}

/** What aborts a request, and the trace that it is part of. */
export interface SendOptions extends TraceOption { readonly abortSignal: AbortSignal }

/** The limits of all requests to a bucket. */
export interface RequestLimits {
  /** The time limit of a request on the fast path, in milliseconds. */
  readonly maxMs: number
  /** How many objects may be downloaded at a time. */
  readonly maxDownloads: number
  readonly budget: RetryBudget
}

/** The time limit of the request that completes a multipart upload until the headers of the response have arrived, in milliseconds: some servers assemble the object first. */
const COMPLETE_TIMEOUT_MS = 60_000
/** The time limit of the request that removes the parts of an upload that has failed, in milliseconds. */
const ABORT_TIMEOUT_MS = 10_000

/** Sends requests to one bucket. Each is aborted by its signal, and rejects with errors of the SDK. */
export class S3Requests {
  readonly #bucket: string
  readonly #retrying: S3Client
  readonly #single: S3Client
  readonly #streaming: S3Client
  readonly #isAws: boolean
  /** The name of the server in messages. */
  readonly server: string
  /** For objects and pages that are read into memory. */
  readonly fastPath: S3FastPath

  constructor (bucket: string, settings: S3ClientSettings, { maxMs, maxDownloads, budget }: RequestLimits) {
    const clients = createClients(settings, budget)
    const { retrying, single, streaming } = clients
    this.#bucket = bucket
    this.#isAws = settings.endpoint === undefined
    this.server = nameOfServer(settings.endpoint)
    this.#retrying = retrying
    this.#single = single
    this.#streaming = streaming
    this.fastPath = new S3FastPath(bucket, clients, { maxMs, maxDownloads })
  }

  listPage (prefix: string, { token, after }: PageStart, options: SendOptions): Promise<ListObjectsV2CommandOutput> {
    // XML 1.0 cannot represent every character that a key may contain.
    const input = { Bucket: this.#bucket, Prefix: prefix, EncodingType: 'url', ContinuationToken: token, StartAfter: after } as const
    return this.#retrying.send(new ListObjectsV2Command(input), options)
  }

  /** Gets an object. Returns `undefined` if it does not exist. */
  get (key: string, conditions: GetConditions, options: SendOptions): Promise<GetObjectCommandOutput | undefined> {
    return this.#get(this.#retrying, key, conditions, options)
  }

  /** As `get`, for a body that is passed on to an HTTP client of the service, which may read slowly. */
  open (key: string, conditions: GetConditions, options: SendOptions): Promise<GetObjectCommandOutput | undefined> {
    return this.#get(this.#streaming, key, conditions, options)
  }

  async #get (client: S3Client, key: string, conditions: GetConditions, options: SendOptions): Promise<GetObjectCommandOutput | undefined> {
    const command = new GetObjectCommand({ Bucket: this.#bucket, Key: key, ...conditions })
    return client.send(command, options).catch(error => {
      if (!isNoSuchKey(error)) throw error
      return undefined
    })
  }

  /** Gets the properties of an object. Returns `undefined` if it does not exist. */
  async head (key: string, options: SendOptions): Promise<HeadObjectCommandOutput | undefined> {
    const command = new HeadObjectCommand({ Bucket: this.#bucket, Key: key })
    return this.#retrying.send(command, options).catch(async error => {
      // A response to HEAD has no body, which would name the reason: the key or the bucket is missing, access is refused, or the region is another one.
      if (![301, 400, 401, 403, 404].includes(statusOf(error) ?? 0)) throw error
      const found = await this.get(key, {}, options)
      if (found !== undefined) bodyOf(found).destroy()
      return found
    })
  }

  /** Uploads an object. A failed request after which the object may exist is retried only if `mayRepeat`. */
  put (key: string, { Body: body, inParts, ...input }: PutInput, mayRepeat: boolean, options: SendOptions): Promise<{ readonly ETag?: string | undefined }> {
    const client = mayRepeat ? this.#retrying : this.#single
    if (inParts === true) return this.#putParts(client, key, { Body: body, ...input }, options)
    const requestTimeout = REQUEST_TIMEOUT_MS + transferMs(body.length)
    if (isStreamed(body)) return client.send(this.#streamedPut(key, body, input), { ...options, requestTimeout, ...{ streamedBody: body } satisfies BodyOption })
    // Buckets with a default retention accept an object only with a checksum, which the SDK adds for AWS only.
    const checksum = this.#isAws ? {} : { ContentMD5: hash('md5', body, 'base64') }
    return client.send(new PutObjectCommand({ Bucket: this.#bucket, Key: key, ...checksum, Body: body, ...input }), { ...options, requestTimeout })
  }

  /** The SDK does not see the body, from which it would compute these headers. */
  #streamedPut (key: string, { length, md5, sha256 }: StreamedBody, input: Omit<PutInput, 'Body'>): PutObjectCommand {
    const checksum = this.#isAws ? { ChecksumSHA256: sha256.toString('base64') } : { ContentMD5: md5.toString('base64') }
    const command = new PutObjectCommand({ Bucket: this.#bucket, Key: key, ContentLength: length, ...checksum, ...input })
    command.middlewareStack.add((next) => (args) => {
      Object.assign((args.request as { readonly headers: object }).headers, { 'x-amz-content-sha256': sha256.toString('hex') })
      return next(args)
    }, { step: 'build' })
    return command
  }

  /** A multipart upload: the object exists once it is complete, and the conditions are those of its completion. If it fails, its parts are removed as far as that is possible. */
  async #putParts (client: S3Client, key: string, { Body: body, IfMatch, IfNoneMatch, ...input }: PutInput, options: SendOptions): Promise<{ readonly ETag?: string | undefined }> {
    const checksum = this.#isAws ? { ChecksumAlgorithm: 'SHA256' } as const : {}
    const { UploadId } = await this.#retrying.send(new CreateMultipartUploadCommand({ Bucket: this.#bucket, Key: key, ...checksum, ...input }), options)
    const upload = { Bucket: this.#bucket, Key: key, UploadId }
    try {
      const parts: CompletedPart[] = []
      const source = isStreamed(body) ? readBody(body) : Readable.from([body])
      for await (const part of partsOf(source)) parts.push(await this.#putPart({ ...upload, PartNumber: parts.length + 1 }, part, options))
      return await client.send(new CompleteMultipartUploadCommand({ ...upload, IfMatch, IfNoneMatch, MultipartUpload: { Parts: parts } }), { ...options, requestTimeout: COMPLETE_TIMEOUT_MS })
    } catch (error) {
      // Without the right to do so, they remain until a rule of the bucket removes them.
      await this.#retrying.send(new AbortMultipartUploadCommand(upload), { abortSignal: AbortSignal.timeout(ABORT_TIMEOUT_MS) }).catch(() => {})
      throw error
    }
  }

  async #putPart (part: { readonly Bucket: string, readonly Key: string, readonly UploadId: string | undefined, readonly PartNumber: number }, body: Buffer, options: SendOptions): Promise<CompletedPart> {
    const checksum = this.#isAws ? { ChecksumSHA256: hash('sha256', body, 'base64') } : {}
    const digest = this.#isAws ? {} : { ContentMD5: hash('md5', body, 'base64') }
    const requestTimeout = REQUEST_TIMEOUT_MS + transferMs(body.length)
    const { ETag } = await this.#retrying.send(new UploadPartCommand({ ...part, ...digest, ...checksum, Body: body }), { ...options, requestTimeout })
    return { PartNumber: part.PartNumber, ETag, ...checksum }
  }

  /** Whether the bucket exists. If access is refused, it is assumed to exist: the right to write objects is enough to use it. */
  async hasBucket (abortSignal: AbortSignal): Promise<boolean> {
    return this.#retrying.send(new HeadBucketCommand({ Bucket: this.#bucket }), { abortSignal }).then(() => true, async (error) => {
      const status = statusOf(error)
      if (status === 404 || status === 403) return status === 403
      // A response to HEAD has no body, which would name the reason.
      if (status === 400 || status === 301) await this.listPage('', { after: undefined }, { abortSignal })
      throw error
    })
  }

  async createBucket (abortSignal: AbortSignal): Promise<void> {
    const region = await this.#retrying.config.region()
    // AWS does not accept us-east-1 as a location constraint.
    const location = region === 'us-east-1'
      ? {}
      : { CreateBucketConfiguration: { LocationConstraint: region as BucketLocationConstraint } }
    await this.#retrying.send(new CreateBucketCommand({ Bucket: this.#bucket, ...location }), { abortSignal })
  }

  async close (): Promise<void> {
    this.#retrying.destroy()
    this.#single.destroy()
    this.#streaming.destroy()
    await this.fastPath.close()
  }
}
