import { toStoreError, type StoreError, type StoreErrorCode } from '../object-store.js'

/** The properties of errors that the SDK, its HTTP handler and Node throw. */
interface SdkError {
  readonly name?: string
  readonly message?: string
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
}

// System errors such as ECONNREFUSED and EAI_AGAIN, and TLS errors, but not Node's own ERR_INVALID_….
const NETWORK_CODE = /^E(?!RR_)[A-Z_]+$|CERT|^ERR_(SSL|TLS)|^UND_ERR_SOCKET$/

/** The names of the errors by which AWS, Ceph RGW and MinIO reject a key. */
const INVALID_KEY = /^KeyTooLongError$|^(XMinio)?Invalid(Object|Resource)Name$/

/** The HTTP status of the response; `undefined` if no response arrived. */
export function statusOf (error: unknown): number | undefined {
  return (error as SdkError).$metadata?.httpStatusCode
}

/** Whether S3 reports that the bucket does not exist. */
export function isNoSuchBucket (error: unknown): boolean {
  return (error as SdkError).name === 'NoSuchBucket'
}

/** Whether S3 reports that the object does not exist, or that no object can have its key. The status 404 alone is not enough: it may come from a proxy. */
export function isNoSuchKey (error: unknown): boolean {
  const { name = '' } = error as SdkError
  return name === 'NoSuchKey' || INVALID_KEY.test(name)
}

/**
 * Converts an error to a StoreError. `subject` is the URL of the bucket or object. The message contains only names and codes, because the
 * messages of the SDK may contain credentials.
 */
export function toS3Error (error: unknown, subject: string): StoreError {
  return toStoreError(error, subject, classify)
}

function classify ({ name = 'Error', message = '', code, $metadata }: SdkError): [StoreErrorCode, string] {
  const status = $metadata?.httpStatusCode
  if (status !== undefined) return [codeOfResponse(status, name), `HTTP ${status} ${name}`]
  if (/^(Credentials|Token)ProviderError$/.test(name)) return ['access_denied', 'no credentials']
  // For a reset connection, the HTTP handler also uses the name TimeoutError, but with a code.
  if (code === 'ETIMEDOUT' || (name === 'TimeoutError' && code === undefined)) return ['timeout', 'no response in time']
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return ['timeout', 'no connection in time']
  if (code !== undefined && NETWORK_CODE.test(code)) return ['unreachable', `the connection failed (${code})`]
  if (message === 'Region is missing') return ['store_error', 'no region: set AWS_REGION or, for a server other than AWS, AWS_ENDPOINT_URL_S3']
  if (message.startsWith('Checksum mismatch')) return ['corrupt', 'the body does not match its checksum']
  return ['store_error', code ?? name]
}

function codeOfResponse (status: number, name: string): StoreErrorCode {
  if (name === 'NoSuchBucket') return 'no_such_bucket'
  if (INVALID_KEY.test(name)) return 'invalid_key'
  if (status === 401 || status === 403 || /^(Expired|Invalid)Token$/.test(name)) return 'access_denied'
  if (status === 408) return 'timeout'
  return status === 412 ? 'precondition_failed' : 'store_error'
}
