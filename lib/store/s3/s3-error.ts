import { toStoreError, type StoreError, type StoreErrorCode } from '../object-store.js'

/** What the SDK, its HTTP handler and Node put on the errors they throw. */
interface SdkError {
  readonly name?: string
  readonly message?: string
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
}

// System errors such as ECONNREFUSED and EAI_AGAIN, and those of TLS; not Node's own ERR_INVALID_….
const NETWORK_CODE = /^E(?!RR_)[A-Z_]+$|CERT|^ERR_(SSL|TLS)/

/** What AWS, Ceph RGW and MinIO call keys that they can't hold. */
const INVALID_KEY = /^KeyTooLongError$|^(XMinio)?Invalid(Object|Resource)Name$/

/** The HTTP status that the error stands for; `undefined` where there was no answer. */
export function statusOf (error: unknown): number | undefined {
  return (error as SdkError).$metadata?.httpStatusCode
}

export function isNoSuchBucket (error: unknown): boolean {
  return (error as SdkError).name === 'NoSuchBucket'
}

/** Whether it is S3 that says that there is no such object, or that there can be none: a proxy may answer 404, too. */
export function isNoSuchKey (error: unknown): boolean {
  const { name = '' } = error as SdkError
  return name === 'NoSuchKey' || INVALID_KEY.test(name)
}

/**
 * The one place where failures get a meaning and a subject: the URL of the bucket or object. The message holds names and
 * codes only, since the SDK's own texts may quote credentials.
 */
export function toS3Error (error: unknown, subject: string): StoreError {
  return toStoreError(error, subject, classify)
}

function classify ({ name = 'Error', message = '', code, $metadata }: SdkError): [StoreErrorCode, string] {
  const status = $metadata?.httpStatusCode
  if (status !== undefined) return [codeOfResponse(status, name), `HTTP ${status} ${name}`]
  if (/^(Credentials|Token)ProviderError$/.test(name)) return ['access_denied', 'no credentials']
  // The HTTP handler names a reset connection TimeoutError, too: the code tells them apart.
  if (code === 'ETIMEDOUT' || (name === 'TimeoutError' && code === undefined)) return ['timeout', 'no answer in time']
  if (code !== undefined && NETWORK_CODE.test(code)) return ['unreachable', `no connection, or it broke (${code})`]
  if (message === 'Region is missing') return ['store_error', 'no region: set AWS_REGION or, for a server other than AWS, AWS_ENDPOINT_URL_S3']
  if (message.startsWith('Checksum mismatch')) return ['corrupt', 'the body is not what its checksum says']
  return ['store_error', code ?? name]
}

function codeOfResponse (status: number, name: string): StoreErrorCode {
  if (name === 'NoSuchBucket') return 'no_such_bucket'
  if (INVALID_KEY.test(name)) return 'invalid_key'
  if (status === 401 || status === 403 || /^(Expired|Invalid)Token$/.test(name)) return 'access_denied'
  if (status === 408) return 'timeout'
  return status === 412 ? 'precondition_failed' : 'store_error'
}
