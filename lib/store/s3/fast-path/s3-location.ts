import { GetObjectCommand, ListObjectsV2Command, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'

/** Where a bucket answers, as the SDK finds out from its settings, the environment and its rules for endpoints. */
export interface BucketLocation {
  readonly protocol: string
  readonly hostname: string
  readonly port: number | undefined
  /** The path of the bucket itself, and what stands before a key. */
  readonly listPath: string
  readonly keyPath: string
}

/** What the SDK would send. */
interface SentRequest {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
}

const KEY = 'k'

/** Asks the SDK for two requests without sending them. Fails where it can't make any: without credentials or a region. */
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
