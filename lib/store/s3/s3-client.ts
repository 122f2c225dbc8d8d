import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { OneShotSha256 } from './fast-path/one-shot-sha256.js'

export interface S3ClientSettings {
  /** An S3-compatible server. Without it: AWS. */
  readonly endpoint?: string | undefined
  /** Default: `us-east-1` with an endpoint, else what the SDK finds. */
  readonly region?: string | undefined
}

/** Milliseconds that one attempt may take until the headers of its answer are there. */
export const REQUEST_TIMEOUT_MS = 5000

const requestHandler = (maxSockets: number) => ({
  connectionTimeout: 1000,
  requestTimeout: REQUEST_TIMEOUT_MS,
  throwOnRequestTimeout: true,
  socketTimeout: 60_000,
  httpAgent: { keepAlive: true, maxSockets },
  httpsAgent: { keepAlive: true, maxSockets }
})

export interface S3Clients {
  readonly retrying: S3Client
  /** Sends a request once: after a lost answer, a repeated conditional PUT would be refused because of its own first attempt. */
  readonly single: S3Client
  /** Has connections of its own: whoever reads slowly holds one for long, and takes none from the work on the bucket. */
  readonly streaming: S3Client
  /** What they are made with. */
  readonly config: S3ClientConfig
  /** Signs requests that are sent without a client. */
  readonly signer: () => Promise<RequestSigner>
}

export type RequestSigner = Awaited<ReturnType<S3Client['config']['signer']>>

export function createClients (settings: S3ClientSettings): S3Clients {
  // The SDK warns once per process of Node versions that it is about to leave; which one runs is not this module's choice.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
  const config = configOf(settings)
  const retrying = new S3Client({ ...config, maxAttempts: 3, requestHandler: requestHandler(64) })
  const single = new S3Client({ ...config, maxAttempts: 1, requestHandler: retrying.config.requestHandler })
  const streaming = new S3Client({ ...config, maxAttempts: 3, requestHandler: requestHandler(256) })
  const signer = () => new S3Client({ ...config, sha256: OneShotSha256 }).config.signer()
  return { retrying, single, streaming, config, signer }
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
