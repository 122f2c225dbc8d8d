import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'

export interface S3ClientSettings {
  /** An S3-compatible server. Without it: AWS. */
  readonly endpoint?: string | undefined
  /** Default: `us-east-1` with an endpoint, else what the SDK finds. */
  readonly region?: string | undefined
}

/** Milliseconds that one attempt may take until the headers of its answer are there. */
export const REQUEST_TIMEOUT_MS = 5000

const REQUEST_HANDLER = {
  connectionTimeout: 1000,
  requestTimeout: REQUEST_TIMEOUT_MS,
  throwOnRequestTimeout: true,
  socketTimeout: 60_000,
  httpAgent: { keepAlive: true, maxSockets: 64 },
  httpsAgent: { keepAlive: true, maxSockets: 64 }
}

/**
 * Two clients over one pool of connections, and what other ones have to be made with. `single` sends a request once: after a lost answer, a repeated conditional PUT
 * would be refused because of its own first attempt.
 */
export function createClients (settings: S3ClientSettings): { retrying: S3Client, single: S3Client, config: S3ClientConfig } {
  // The SDK warns once per process of Node versions that it is about to leave; which one runs is not this module's choice.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
  const config = configOf(settings)
  const retrying = new S3Client({ ...config, maxAttempts: 3, requestHandler: REQUEST_HANDLER })
  const single = new S3Client({ ...config, maxAttempts: 1, requestHandler: retrying.config.requestHandler })
  return { retrying, single, config }
}

function configOf ({ endpoint, region }: S3ClientSettings): S3ClientConfig {
  // Waiting for `100 Continue` costs a connection per large PUT, and 6 s where the server does not know it.
  const common: S3ClientConfig = { expectContinueHeader: false }
  if (endpoint === undefined) return region === undefined ? common : { ...common, region }
  return {
    ...common,
    endpoint,
    region: region ?? 'us-east-1',
    forcePathStyle: true,
    // Servers other than AWS refuse some checksum headers; bodies are verified by their ETag instead.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED'
  }
}
