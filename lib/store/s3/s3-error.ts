import { StoreError, toStoreError, type StoreErrorCode, type StoreReport } from '../object-store.js'

/** The properties of errors that the SDK, its HTTP handler and Node throw. */
interface SdkError {
  readonly name?: string
  readonly message?: string
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly headers?: Readonly<Record<string, string | undefined>> }
  /** The region of the bucket, in some errors. */
  readonly Region?: string
}

/** What to do about a connection that fails because of TLS, by the code of the error. */
const TLS_REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'its certificate is for another host name: check AWS_ENDPOINT_URL_S3'],
  [/^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/, 'its certificate is not valid at this time: renew it, or check the clock of this machine'],
  [/CERT|^UNABLE_TO_/, 'its certificate is not trusted: set NODE_EXTRA_CA_CERTS to a PEM file with the certificate of its authority'],
  [/^ERR_SSL_|^EPROTO$/, 'it does not expect TLS: check https in AWS_ENDPOINT_URL_S3']
]

// System errors such as ECONNREFUSED and EAI_AGAIN, and TLS errors, but not Node's own ERR_INVALID_….
const NETWORK_CODE = /^E(?!RR_)[A-Z_]+$|CERT|^UNABLE_TO_|^ERR_(SSL|TLS)|^UND_ERR_SOCKET$/

/** The names of errors about the credentials themselves, not about what they allow; the last two are of MinIO and of STS. */
const REFUSED_CREDENTIALS = /^(ExpiredToken(Exception)?|InvalidToken|InvalidAccessKeyId|SignatureDoesNotMatch|TokenRefreshRequired|InvalidTokenId|InvalidClientTokenId)$/

/** What to do about an error, by its name. */
const REMEDIES: Readonly<Record<string, string>> = {
  AccessDenied: 'the credentials lack a right, are for another bucket or prefix, or were revoked: run userlake doctor',
  NoSuchBucket: 'check the name of the bucket in LAKE_URL, or create it with userlake seed',
  ExpiredToken: 'the session token has expired: renew the credentials',
  InvalidToken: 'the session token is invalid: check AWS_SESSION_TOKEN',
  InvalidTokenId: 'the session token is invalid or has expired: renew the credentials',
  InvalidAccessKeyId: 'the server does not know the access key: check AWS_ACCESS_KEY_ID or the file of credentials, and the endpoint',
  SignatureDoesNotMatch: 'the secret key does not belong to the access key: check AWS_SECRET_ACCESS_KEY or the file of credentials',
  RequestTimeTooSkewed: 'the clocks of this machine and of the server differ by more than 15 minutes: set the clock'
}

/** The names of the errors by which AWS, Ceph RGW and MinIO reject a key. */
const INVALID_KEY = /^KeyTooLongError$|^(XMinio)?Invalid(Object|Resource)Name$/

/** The HTTP status of the response; `undefined` if no response arrived. */
export function statusOf (error: unknown): number | undefined {
  return (error as SdkError).$metadata?.httpStatusCode
}

/** Whether S3 refuses the credentials: they are unknown, wrong or have expired. */
export function hasRefusedCredentials (error: unknown): boolean {
  return statusOf(error) === 401 || REFUSED_CREDENTIALS.test((error as SdkError).name ?? '')
}

/** The variables that name a file or profile with credentials; their values are not secret. */
const CREDENTIAL_SOURCES: readonly string[] = ['AWS_PROFILE', 'AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE', 'AWS_WEB_IDENTITY_TOKEN_FILE']

/** The StoreError of a request whose credentials could not be obtained. @param env the environment, in which the SDK looks for them */
export function toCredentialsError (error: unknown, env: NodeJS.ProcessEnv): StoreError {
  const { name = 'Error', code } = error as SdkError
  const isMissing = name === 'CredentialsProviderError' || name === 'TokenProviderError'
  const sources = CREDENTIAL_SOURCES.flatMap((source) => env[source] ? [`${source}=${env[source]}`] : []).join(', ')
  const reason = isMissing ? describeMissing(sources, env.AWS_PROFILE) : `their source failed (${code ?? name})${sources === '' ? '' : `: check ${sources}`}`
  return new StoreError('access_denied', `no credentials: ${reason}`, { cause: error })
}

/** Why no source has credentials. The SDK reports neither a file that it cannot read nor a profile that a file lacks. */
function describeMissing (sources: string, profile = 'default'): string {
  if (sources === '') return 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or another source of the AWS SDK'
  return `found none by ${sources}: check that each file exists, that this process may read it, and that it has the profile ${profile}`
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
 * Converts an error to a StoreError. `subject` is the URL of the bucket or object, `server` the name of the server in messages. The message contains only
 * names and codes, because the messages of the SDK may contain credentials.
 */
export function toS3Error (error: unknown, subject: string, server: string): StoreError {
  return toStoreError(error, subject, (sdkError: SdkError) => classify(sdkError, server))
}

/** The name of a server in messages. @param endpoint its URL, which may contain a password; `undefined` for AWS */
export function nameOfServer (endpoint: string | undefined): string {
  return endpoint === undefined ? 'AWS' : new URL(endpoint).origin
}

function classify (error: SdkError, server: string): [StoreErrorCode, string, StoreReport?] {
  const { name = 'Error', message = '', code, $metadata } = error
  const status = $metadata?.httpStatusCode
  if (status !== undefined) return [codeOfResponse(status, name), `HTTP ${status} ${name}${remedyOf(error)}`, { storeCode: `HTTP ${status} ${name}`, isRefused: isRefused(status, name) }]
  // For a reset connection, the HTTP handler also uses the name TimeoutError, but with a code.
  if (code === 'ETIMEDOUT' || (name === 'TimeoutError' && code === undefined)) return ['timeout', `no response from ${server} in time`]
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return ['timeout', `no connection to ${server} in time`]
  if (code !== undefined && NETWORK_CODE.test(code)) return ['unreachable', `the connection to ${server} failed (${code})${tlsRemedyOf(code)}`, { storeCode: code }]
  if (message === 'Region is missing') return ['store_error', 'no region: set AWS_REGION or, for a server other than AWS, AWS_ENDPOINT_URL_S3']
  if (message.startsWith('Checksum mismatch')) return ['corrupt', 'the body does not match its checksum']
  return ['store_error', code ?? name]
}

function tlsRemedyOf (code: string): string {
  const [, remedy] = TLS_REMEDIES.find(([codes]) => codes.test(code)) ?? []
  return remedy === undefined ? '' : `: ${remedy}`
}

/** Statuses that are not about the object: credentials (401), a timeout (408), a precondition (412), load (429). */
const NOT_OF_OBJECT: readonly number[] = [401, 408, 412, 429]

/** The names of errors that are not about the object, but about the bucket, its region, the clock, a timeout or the load. */
const NOT_OF_OBJECT_NAME = /^(RequestTimeTooSkewed|RequestExpired|RequestTimeout|AuthorizationHeaderMalformed|IllegalLocationConstraintException|NoSuchBucket)$|Throttl|SlowDown/

/** Whether the server refuses this request because of the object or of the rights to it, and not for another reason, such as the credentials, the load or a wrong clock. */
function isRefused (status: number, name: string): boolean {
  return status >= 400 && status < 500 && !NOT_OF_OBJECT.includes(status) && !REFUSED_CREDENTIALS.test(name) && !NOT_OF_OBJECT_NAME.test(name)
}

/** The response of MinIO's console to S3 requests. */
const CONSOLE_MESSAGE = 'S3 API Requests must be made to API port.'
/** The names by which the SDK calls errors whose responses cannot be parsed, or have no error code. */
const NO_ERROR_CODE = /^(Error|NotFound|Unknown)$/

/** What to do about an error that the server reports, after a colon; empty if that is not known. */
function remedyOf ({ name = '', message = '', Region, $metadata, $response }: SdkError): string {
  if (message === CONSOLE_MESSAGE) return ": this is the port of MinIO's console: set AWS_ENDPOINT_URL_S3 to the port of its API, by default 9000"
  // With other statuses, it may be the response of a proxy, or one to HEAD, which has no body.
  if ([400, 404].includes($metadata?.httpStatusCode ?? 0) && NO_ERROR_CODE.test(name)) return ': the response is not one of S3: check AWS_ENDPOINT_URL_S3'
  const isElsewhere = $metadata?.httpStatusCode === 301 || /^(AuthorizationHeaderMalformed|PermanentRedirect|IllegalLocationConstraintException)$/.test(name)
  if (!isElsewhere) return Object.hasOwn(REMEDIES, name) ? `: ${REMEDIES[name]}` : ''
  const region = [$response?.headers?.['x-amz-bucket-region'], Region].find((region) => region !== undefined && /^[a-z0-9-]{1,40}$/.test(region))
  return region === undefined ? ': the bucket is in another region: set AWS_REGION' : `: the bucket is in the region ${region}: set AWS_REGION=${region}`
}

function codeOfResponse (status: number, name: string): StoreErrorCode {
  if (name === 'NoSuchBucket') return 'no_such_bucket'
  if (INVALID_KEY.test(name)) return 'invalid_key'
  if (status === 401 || status === 403 || REFUSED_CREDENTIALS.test(name)) return 'access_denied'
  if (status === 408) return 'timeout'
  return status === 412 ? 'precondition_failed' : 'store_error'
}
