import { hash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { isAllowed, type Policy } from './policy.js'
import { S3Bucket, type BucketObject } from './s3-bucket.js'

/** CREATE is the creation of a bucket; the last four are those of a multipart upload. */
export type Operation = 'LIST' | 'GET' | 'HEAD' | 'PUT' | 'DELETE' | 'CREATE' | 'BEGIN' | 'PART' | 'COMPLETE' | 'ABORT'

export interface S3Request {
  readonly operation: Operation
  readonly bucket: string
  /** Empty if the request concerns the bucket: LIST, CREATE, HEAD of the bucket. */
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface S3Response {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/**
 * Which server the endpoint behaves as. `minio` accepts no key that is not a path. In `rgw` (Ceph RGW 16.2), If-Match of a PUT matches only without quotes, and
 * is 412 rather than 404 if the key is missing. `unconditional` ignores the conditions of a PUT, as Garage does. It and `rgw` ignore those of the completion of a multipart upload.
 */
export type StoreProfile = 'aws' | 'minio' | 'rgw' | 'unconditional'

export interface S3Settings {
  /** The clock for LastModified: milliseconds since 1970-01-01 UTC. Responses contain whole seconds. */
  readonly clock: () => number
  /** The maximum number of keys on a page of a listing. */
  readonly pageSize: number
  readonly profile: StoreProfile
  /** Lists from the first key, whatever `start-after` is. */
  readonly ignoresStartAfter: boolean
  /** The rights of all clients. If they may not list the key of a missing object, reading it is 403, as on AWS. Default: all rights. */
  readonly policy?: Policy | undefined
}

/** A key that MinIO refuses. */
const NOT_A_PATH = /^\/|\/\/|(^|\/)\.{1,2}(\/|$)/

const SIGNATURE_V4 = /^AWS4-HMAC-SHA256 Credential=.+, ?SignedHeaders=.+, ?Signature=[0-9a-f]{64}$/

/** Executes a request on the buckets, and returns the response of S3. */
export function execute (request: S3Request, buckets: Map<string, S3Bucket>, settings: S3Settings): S3Response {
  if (!SIGNATURE_V4.test(request.headers.authorization ?? '')) return failure(403, 'AccessDenied')
  const bucket = buckets.get(request.bucket)
  if (settings.policy !== undefined && !mayExecute(request, bucket, settings.policy)) return failure(403, 'AccessDenied')
  if (request.operation === 'CREATE') {
    if (bucket !== undefined) return failure(409, 'BucketAlreadyOwnedByYou')
    buckets.set(request.bucket, new S3Bucket(settings.clock))
    return { status: 200 }
  }
  if (bucket === undefined) return failure(404, 'NoSuchBucket')
  if (settings.profile === 'minio' && NOT_A_PATH.test(request.key)) return failure(400, 'XMinioInvalidObjectName')
  if (request.operation === 'LIST') return list(request, bucket, settings)
  if (request.operation === 'PUT') return put(request, bucket, settings.profile)
  if (request.operation === 'BEGIN') return begin(request, bucket)
  if (request.operation === 'PART') return part(request, bucket)
  if (request.operation === 'COMPLETE') return complete(request, bucket, settings.profile)
  if (request.operation === 'ABORT') return { status: bucket.uploads.delete(request.query.get('uploadId')!) ? 204 : 404 }
  if (request.operation === 'DELETE') {
    bucket.delete(request.key)
    return { status: 204 }
  }
  return request.key === '' ? { status: 200 } : get(request, bucket)
}

/** Whether the policy allows a request. */
function mayExecute ({ operation, bucket: name, key, query, headers }: S3Request, bucket: S3Bucket | undefined, policy: Policy): boolean {
  const object = `${name}/${key}`
  const mayGet = isAllowed(policy, 's3:GetObject', object)
  if (operation === 'CREATE') return isAllowed(policy, 's3:CreateBucket', name)
  if (operation === 'DELETE') return isAllowed(policy, 's3:DeleteObject', object)
  if (operation === 'ABORT') return isAllowed(policy, 's3:AbortMultipartUpload', object)
  if (['PUT', 'BEGIN', 'PART', 'COMPLETE'].includes(operation)) return isAllowed(policy, 's3:PutObject', object) && (headers['if-match'] === undefined || mayGet)
  if (key === '') return isAllowed(policy, 's3:ListBucket', name, query.get('prefix') ?? undefined)
  return mayGet && (bucket?.get(key) !== undefined || isAllowed(policy, 's3:ListBucket', name))
}

function list (request: S3Request, bucket: S3Bucket, { pageSize, ignoresStartAfter }: S3Settings): S3Response {
  const { query } = request
  const prefix = query.get('prefix') ?? ''
  const token = query.get('continuation-token')
  const startAfter = ignoresStartAfter ? '' : query.get('start-after') ?? ''
  const after = token === null ? startAfter : Buffer.from(token, 'base64url').toString()
  const limit = Math.min(Number(query.get('max-keys') ?? 1000), pageSize)
  const isEncoded = query.get('encoding-type') === 'url'
  return cachedPage(bucket, JSON.stringify([prefix, after, limit, isEncoded]), () => pageOf(request.bucket, bucket.page(prefix, after, limit), { prefix, limit, isEncoded }))
}

/** The maximum number of pages that are cached for a bucket. */
const MAX_PAGES = 500
/** Pages are cached until the bucket changes, because a server on the same machine must not be what limits a benchmark of listings. */
const cachedPages = new WeakMap<S3Bucket, { readonly revision: number, readonly pages: Map<string, S3Response> }>()

function cachedPage (bucket: S3Bucket, name: string, write: () => string): S3Response {
  const cached = cachedPages.get(bucket)
  const { pages } = cached?.revision === bucket.revision ? cached : { pages: new Map<string, S3Response>() }
  const page = pages.get(name) ?? xml(200, write())
  if (pages.size < MAX_PAGES) pages.set(name, page)
  cachedPages.set(bucket, { revision: bucket.revision, pages })
  return page
}

interface PageShape { readonly prefix: string, readonly limit: number, readonly isEncoded: boolean }

function pageOf (name: string, { objects, truncated }: ReturnType<S3Bucket['page']>, { prefix, limit, isEncoded }: PageShape): string {
  const encode = isEncoded ? encodeKey : escapeXml
  const next = truncated ? Buffer.from(objects.at(-1)!.key).toString('base64url') : undefined
  return '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
    `<Name>${name}</Name><Prefix>${encode(prefix)}</Prefix><KeyCount>${objects.length}</KeyCount>` +
    `<MaxKeys>${limit}</MaxKeys><IsTruncated>${truncated}</IsTruncated>` +
    (next === undefined ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`) +
    (isEncoded ? '<EncodingType>url</EncodingType>' : '') +
    `${objects.map((object) => entryOf(object, encode)).join('')}</ListBucketResult>`
}

function entryOf ({ key, etag, body, lastModified }: BucketObject, encode: (key: string) => string): string {
  return `<Contents><Key>${encode(key)}</Key><LastModified>${new Date(lastModified).toISOString()}</LastModified>` +
    `<ETag>&quot;${etag}&quot;</ETag><Size>${body.length}</Size><StorageClass>STANDARD</StorageClass></Contents>`
}

function get (request: S3Request, bucket: S3Bucket): S3Response {
  const object = bucket.get(request.key)
  if (object === undefined) return failure(404, 'NoSuchKey')
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch, range } = request.headers
  if (ifMatch !== undefined && unquote(ifMatch) !== object.etag) return failure(412, 'PreconditionFailed')
  if (ifNoneMatch !== undefined && unquote(ifNoneMatch) === object.etag) return { status: 304, headers: describeObject(object) }
  if (range === undefined) return { status: 200, headers: describeObject(object), body: object.body }
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? []
  const start = Number(first)
  if (!(start < object.body.length)) return failure(416, 'InvalidRange')
  const part = object.body.subarray(start, last === '' ? undefined : Number(last) + 1)
  const contentRange = `bytes ${start}-${start + part.length - 1}/${object.body.length}`
  return { status: 206, headers: { ...describeObject(object), 'content-range': contentRange }, body: part }
}

function put (request: S3Request, bucket: S3Bucket, profile: StoreProfile): S3Response {
  const md5 = request.headers['content-md5']
  if (md5 !== undefined && md5 !== hash('md5', request.body, 'base64')) return failure(400, 'BadDigest')
  const refusal = profile === 'unconditional' ? undefined : refuse(request, bucket.get(request.key), profile)
  if (refusal !== undefined) return refusal
  const { etag } = bucket.put(request.key, request.body, storedHeaders(request))
  return { status: 200, headers: { etag: `"${etag}"` } }
}

/** The headers of a request that are stored with the object. */
function storedHeaders ({ headers }: S3Request): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name === 'content-type' || name.startsWith('x-amz-meta-'))) as Record<string, string>
}

function begin (request: S3Request, { uploads }: S3Bucket): S3Response {
  const id = `upload-${uploads.size + 1}-${hash('md5', JSON.stringify([request.key, request.headers]))}`
  uploads.set(id, { key: request.key, headers: storedHeaders(request), parts: new Map() })
  return xml(200, `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`)
}

function part ({ query, headers, body }: S3Request, { uploads }: S3Bucket): S3Response {
  const upload = uploads.get(query.get('uploadId')!)
  if (upload === undefined) return failure(404, 'NoSuchUpload')
  const [md5, sha256] = [headers['content-md5'], headers['x-amz-checksum-sha256']]
  if ((md5 !== undefined && md5 !== hash('md5', body, 'base64')) || (sha256 !== undefined && sha256 !== hash('sha256', body, 'base64'))) return failure(400, 'BadDigest')
  upload.parts.set(Number(query.get('partNumber')), body)
  return { status: 200, headers: { etag: `"${hash('md5', body)}"` } }
}

/** S3 accepts smaller parts only at the end. */
const MIN_PART_BYTES = 5 * 1024 ** 2

function complete (request: S3Request, bucket: S3Bucket, profile: StoreProfile): S3Response {
  const id = request.query.get('uploadId')!
  const upload = bucket.uploads.get(id)
  if (upload === undefined) return failure(404, 'NoSuchUpload')
  const named = [...request.body.toString().matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part]) => ({
    number: Number(/<PartNumber>(\d+)</.exec(part!)![1]), etag: /<ETag>(?:&quot;|")?(\w+)/.exec(part!)![1]
  }))
  const bodies = named.map(({ number }) => upload.parts.get(number))
  if (named.length === 0 || named.some(({ number, etag }, i) => number !== i + 1 || bodies[i] === undefined || hash('md5', bodies[i]) !== etag)) return failure(400, 'InvalidPart')
  if (bodies.slice(0, -1).some((body) => body!.length < MIN_PART_BYTES)) return failure(400, 'EntityTooSmall')
  const ignoresConditions = profile === 'unconditional' || profile === 'rgw'
  const refusal = ignoresConditions ? undefined : refuse(request, bucket.get(request.key), profile)
  if (refusal !== undefined) return refusal
  bucket.uploads.delete(id)
  const etag = `${hash('md5', Buffer.concat(bodies.map((body) => hash('md5', body!, 'buffer'))))}-${bodies.length}`
  bucket.put(upload.key, Buffer.concat(bodies as Buffer[]), upload.headers, etag)
  return xml(200, `<CompleteMultipartUploadResult><ETag>&quot;${etag}&quot;</ETag></CompleteMultipartUploadResult>`)
}

/** The response to a PUT whose conditions are not met; `undefined` if they are. */
function refuse ({ headers }: S3Request, current: BucketObject | undefined, profile: StoreProfile): S3Response | undefined {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = headers
  if (ifNoneMatch === '*' && current !== undefined) return failure(412, 'PreconditionFailed')
  if (ifMatch === undefined) return undefined
  const isUnquoted = profile === 'rgw'
  if (current === undefined && !isUnquoted) return failure(404, 'NoSuchKey')
  return (isUnquoted ? ifMatch : unquote(ifMatch)) === current?.etag ? undefined : failure(412, 'PreconditionFailed')
}

/** The headers of the response to a GET or HEAD. */
export function describeObject ({ etag, lastModified, headers }: BucketObject): Record<string, string> {
  return { ...headers, etag: `"${etag}"`, 'last-modified': new Date(lastModified).toUTCString() }
}

/** The response of S3 to a request that fails with this code. */
export function failure (status: number, code: string): S3Response {
  return xml(status, `<Error><Code>${code}</Code><Message>${code}</Message></Error>`)
}

function xml (status: number, body: string): S3Response {
  return { status, headers: { 'content-type': 'application/xml' }, body: Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${body}`) }
}

function unquote (etag: string): string {
  return etag.replace(/^"(.*)"$/, '$1')
}

function encodeKey (key: string): string {
  return encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+')
}

function escapeXml (text: string): string {
  return text.replace(/[&<>"\r\n]/g, character => `&#${character.charCodeAt(0)};`)
}
