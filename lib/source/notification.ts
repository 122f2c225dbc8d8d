/** A notification of a bucket, as S3, MinIO and Ceph (which add members of their own) or EventBridge send it, or the test message of S3. */
interface Notification {
  readonly Records?: readonly {
    readonly eventName: string
    readonly eventSource?: string
    readonly s3: { readonly bucket: { readonly name: string }, readonly object: { /** Encoded as in a query string, except by Ceph. */ readonly key: string } }
  }[]
  readonly Event?: string
  readonly 'detail-type'?: string
  readonly detail?: { readonly bucket: { readonly name: string }, readonly object: { /** Not encoded. */ readonly key: string } }
}

/** An object that may have changed. `key` is `undefined` if the notification does not contain a valid one. */
export interface ChangedObject { readonly bucket: string, readonly key: string | undefined }

/** A text is not a notification. The message names the member that is wrong, and what is accepted. */
export class NotificationError extends Error {}

/** Names of events after which an object may be another one, as S3, MinIO, Ceph and EventBridge have them. Reading an object, which this service does itself, has events as well. */
const CHANGES = /^(s3:)?(ObjectCreated|ObjectRemoved|ObjectRestore|ObjectSynced|LifecycleExpiration|ObjectLifecycle):|^Object (Created|Deleted|Restore \w+)$/

/**
 * The objects that a notification reports as changed. An event only names an object that may have changed: its ETag and size are read from the store.
 *
 * @param body any JSON value
 * @throws NotificationError
 */
export function changedObjects (body: unknown): ChangedObject[] {
  check(body)
  const { Records = [], 'detail-type': detailType, detail } = body
  const records = Records.filter(({ eventName }) => CHANGES.test(eventName)).map(({ eventSource, s3 }) => ({ bucket: s3.bucket.name, key: eventSource === 'ceph:s3' ? s3.object.key : decode(s3.object.key) }))
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

/** Checks the members that are used. Written by hand, because a validator of JSON schemas takes half a second for a body of 1 MiB. */
function check (body: unknown): asserts body is Notification {
  const { Records, Event, detail, 'detail-type': detailType } = objectAt('', body)
  if (Records === undefined && Event === undefined && (detail === undefined || detailType === undefined)) {
    throw new NotificationError('The body must have Records (S3, MinIO, Ceph), detail-type and detail (EventBridge), or Event (the test message of S3)')
  }
  if (Records !== undefined) {
    if (!Array.isArray(Records)) throw wrong('/Records', 'an array', Records)
    for (const [i, record] of Records.entries()) {
      const { eventName, eventSource, s3 } = objectAt(`/Records/${i}`, record)
      if (typeof eventName !== 'string') throw wrong(`/Records/${i}/eventName`, 'a string', eventName)
      if (eventSource !== undefined && typeof eventSource !== 'string') throw wrong(`/Records/${i}/eventSource`, 'a string', eventSource)
      checkNames(`/Records/${i}/s3`, s3)
    }
  }
  if (Event !== undefined && typeof Event !== 'string') throw wrong('/Event', 'a string', Event)
  if (detailType !== undefined && typeof detailType !== 'string') throw wrong('/detail-type', 'a string', detailType)
  if (detail !== undefined) checkNames('/detail', detail)
}

/** Checks the names of a bucket and an object. */
function checkNames (pointer: string, value: unknown): void {
  const { bucket, object } = objectAt(pointer, value)
  const { name } = objectAt(`${pointer}/bucket`, bucket)
  const { key } = objectAt(`${pointer}/object`, object)
  if (typeof name !== 'string') throw wrong(`${pointer}/bucket/name`, 'a string', name)
  if (typeof key !== 'string') throw wrong(`${pointer}/object/key`, 'a string', key)
}

/** The members of an object. @param pointer JSON pointer of the value */
function objectAt (pointer: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(pointer, 'an object', value)
  return value as Readonly<Record<string, unknown>>
}

function wrong (pointer: string, accepted: string, value: unknown): NotificationError {
  const received = value === undefined ? 'missing' : value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
  return new NotificationError(`The body${pointer === '' ? '' : ` at ${pointer}`} must be ${accepted}; it is ${received}`)
}
