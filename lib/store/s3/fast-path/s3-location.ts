import { GetObjectCommand, ListObjectsV2Command, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'

/** The URL of a bucket, as the SDK derives it from its settings, the environment and its rules for endpoints. */
export interface BucketLocation {
  readonly protocol: string
  readonly hostname: string
  readonly port: number | undefined
  /** The path of the bucket itself. */
  readonly listPath: string
  /** The part of a path before the key. */
  readonly keyPath: string
}

/** A request that the SDK is about to send. */
interface SentRequest {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
}

/** Any key: only the path before it is used. */
const KEY = 'k'

/**
 * Finds the location of a bucket by letting the SDK prepare two requests, which are not sent. Rejects with the error of the SDK if it cannot
 * prepare them, for example without credentials or a region.
 */
export async function locateBucket (bucket: string, config: S3ClientConfig): Promise<BucketLocation> {
  const capture = async (send: (client: S3Client) => Promise<unknown>): Promise<SentRequest> => {
    let sent: SentRequest | undefined
    const handle = async (request: SentRequest): Promise<never> => {
      sent = request
      throw new Error('Not to be sent')
    }
    const client = new S3Client({ ...config, maxAttempts: 1, requestHandler: { handle } as unknown as NonNullable<S3ClientConfig['requestHandler']> })
    const failure = await send(client).then(() => undefined, (error: unknown) => error)
    if (sent === undefined) throw failure
    return sent
  }
  const { protocol, hostname, port, path } = await capture((client) => client.send(new GetObjectCommand({ Bucket: bucket, Key: KEY })))
  const list = await capture((client) => client.send(new ListObjectsV2Command({ Bucket: bucket })))
  return { protocol, hostname, port, listPath: list.path, keyPath: path.slice(0, -KEY.length) }
}
