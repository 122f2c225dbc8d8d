import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import type { RetryBudget } from '../../base/retry-budget.js'
import { budgetRetries } from './budgeted-retries.js'
import { limitAge } from './connection-age.js'
import { readListingsExactly } from './exact-listings.js'
import { firstByteLimits, type FirstByteLimits } from './first-byte-limit.js'
import { limitFirstByte } from './limit-first-byte.js'
import { renewer, repeatRefused } from './renew-credentials.js'
import { sendBody } from './send-body.js'
import { sendTrace } from './send-trace.js'

/** The server to which clients connect. */
export interface S3ClientSettings {
  /** The URL of an S3-compatible server. Default: AWS. */
  readonly endpoint?: string | undefined
  /** Default: `us-east-1` if an endpoint is set, otherwise the region of the AWS configuration. */
  readonly region?: string | undefined
  /** How long reads wait for the first byte of a response at first, in milliseconds. Default: 2000. */
  readonly firstByteMs?: number | undefined
}

/** The time limit of one attempt to write until the headers of the response have arrived, in milliseconds. Reads have a `FirstByteLimit`. */
export const REQUEST_TIMEOUT_MS = 5000

/** The options of the HTTP handler of a client, which has connections of its own, at most `maxSockets`. Times are milliseconds. */
const requestHandler = (maxSockets: number, keepAlive = true) => ({
  connectionTimeout: 1000,
  requestTimeout: REQUEST_TIMEOUT_MS,
  throwOnRequestTimeout: true,
  socketTimeout: 60_000,
  httpAgent: limitAge(new HttpAgent({ keepAlive, maxSockets })),
  httpsAgent: limitAge(new HttpsAgent({ keepAlive, maxSockets }))
})

/** The clients for one endpoint. */
export interface S3Clients {
  /** Retries failed requests; for everything that is idempotent. */
  readonly retrying: S3Client
  /** Sends each request once. If the response to a conditional PUT is lost, a retry would fail because the first attempt took effect. */
  readonly single: S3Client
  /** For bodies that are passed on to HTTP clients of the service. Has separate connections, because slow readers occupy them for long and the reconcile needs the others. */
  readonly streaming: S3Client
  /** How long their reads wait for the first byte. */
  readonly firstByte: FirstByteLimits
  /** The configuration that they share. */
  readonly config: S3ClientConfig
}

/** Creates the clients, which share a budget of retries. They connect at the first request. */
export function createClients (settings: S3ClientSettings, budget: RetryBudget): S3Clients {
  // The SDK warns about Node versions that it will stop supporting. This module does not choose the version.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
  const retrying = new S3Client({ ...configOf(settings), ...READ_FILES_AGAIN, maxAttempts: 3, requestHandler: requestHandler(64) })
  const config = { ...configOf(settings), credentials: retrying.config.credentials }
  // The SDK keeps the body of the first request of a connection until the connection ends. These bodies are whole outputs and snapshots.
  const single = new S3Client({ ...config, maxAttempts: 1, requestHandler: requestHandler(Infinity, false) })
  const streaming = new S3Client({ ...config, maxAttempts: 3, requestHandler: requestHandler(256) })
  const firstByte = firstByteLimits(settings.firstByteMs)
  for (const client of [retrying, streaming]) {
    budgetRetries(client, budget)
    limitFirstByte(client, firstByte)
  }
  readListingsExactly(retrying)
  for (const client of [single, streaming]) shareClockOffset(client, retrying)
  const renew = renewer(retrying.config.credentials)
  for (const client of [retrying, single, streaming]) {
    repeatRefused(client, renew, process.env)
    sendTrace(client)
    sendBody(client)
  }
  return { retrying, single, streaming, firstByte, config }
}

/** The SDK would otherwise read the files of credentials once in the life of the process. Part of what a client passes on to its chain of credentials. */
const READ_FILES_AGAIN = { ignoreCache: true }

/** A client that sends each request once has no attempt to spare to find that the clock of the server differs. */
function shareClockOffset (client: S3Client, other: S3Client): void {
  Object.defineProperty(client.config, 'systemClockOffset', {
    get: () => other.config.systemClockOffset,
    set: (offset: number) => { other.config.systemClockOffset = offset }
  })
}

function configOf ({ endpoint, region }: S3ClientSettings): S3ClientConfig {
  // Waiting for `100 Continue` costs a connection for each large PUT, and 6 s if the server does not support it.
  const common: S3ClientConfig = { expectContinueHeader: false }
  if (endpoint === undefined) return region === undefined ? common : { ...common, region }
  return {
    ...common,
    endpoint,
    region: region ?? 'us-east-1',
    forcePathStyle: true,
    // Servers other than AWS reject some checksum headers. Bodies are verified by their ETag instead.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED'
  }
}
