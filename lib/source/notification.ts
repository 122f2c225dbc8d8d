/** A notification of a bucket, as S3, MinIO (which adds members of its own) or EventBridge send it, or the test message of S3. */
export interface Notification {
  readonly Records?: readonly {
    readonly eventName: string
    readonly s3: { readonly bucket: { readonly name: string }, readonly object: { /** Encoded as in a query string. */ readonly key: string } }
  }[]
  readonly Event?: string
  readonly 'detail-type'?: string
  readonly detail?: { readonly bucket: { readonly name: string }, readonly object: { /** Not encoded. */ readonly key: string } }
}

/** An object that may have changed. `key` is `undefined` if the notification does not contain a valid one. */
export interface ChangedObject { readonly bucket: string, readonly key: string | undefined }

/** Names of events after which an object may be another one. Reading an object, which this service does itself, has events as well. */
const CHANGES = /^(s3:)?(ObjectCreated|ObjectRemoved|ObjectRestore|LifecycleExpiration):|^Object (Created|Deleted|Restore \w+)$/

/** The objects that a notification reports as changed. Nothing of it but their names is used. */
export function changedObjects ({ Records = [], 'detail-type': detailType, detail }: Notification): ChangedObject[] {
  const records = Records.filter(({ eventName }) => CHANGES.test(eventName)).map(({ s3 }) => ({ bucket: s3.bucket.name, key: decode(s3.object.key) }))
  if (detail === undefined || detailType === undefined || !CHANGES.test(detailType)) return records
  return [...records, { bucket: detail.bucket.name, key: detail.object.key }]
}

function decode (encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
