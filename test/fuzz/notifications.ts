import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Check } from 'typebox/value'
import { BucketNotification } from '../../routes/http/schemas.js'
import { build, csv, PNG } from '../support/app.js'
import { mutateText, mutations } from '../support/mutations.js'
import type { Target } from './target.js'

const BUCKETS = ['datalake', 'other', ''] as const
/** The names of events from S3 and MinIO, and the `detail-type` of those from EventBridge. */
const EVENT_NAMES = ['ObjectCreated:Put', 's3:ObjectCreated:CompleteMultipartUpload', 's3:ObjectRemoved:Delete', 'ObjectRemoved:DeleteMarkerCreated', 'LifecycleExpiration:Delete', 's3:ObjectAccessed:Head', 'ObjectTagging:Put', ''] as const
const DETAIL_TYPES = ['Object Created', 'Object Deleted', 'Object Restore Completed', 'Object Tags Added', ''] as const
const KEYS = ['source_data/1.csv', 'source_data/1.png', 'source_data/none.csv', 'source_data/a+b.csv', 'source_data/%C3%BC.json', 'source_data/%', 'source_data/%00.csv', 'source_data/../1.csv', 'processed_data/output.csv', '/etc/passwd', '', `source_data/${'x'.repeat(2000)}.csv`] as const

const key = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...KEYS) }, { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }).map((text) => `source_data/${text}.csv`) })
const bucket = fc.constantFrom(...BUCKETS).map((name) => ({ name, ownerIdentity: { principalId: 'A1' }, arn: `arn:aws:s3:::${name}` }))
const object = key.map((key) => ({ key, size: 1, eTag: 'd41d8cd98f00b204e9800998ecf8427e', sequencer: '0A1B2C' }))
const record = fc.record({ eventVersion: fc.constant('2.1'), eventSource: fc.constant('aws:s3'), eventName: fc.constantFrom(...EVENT_NAMES), s3: fc.record({ s3SchemaVersion: fc.constant('1.0'), bucket, object }) })

/** Notifications as S3, MinIO and EventBridge send them. */
const notification = fc.oneof(
  fc.record({ Records: fc.array(record, { maxLength: 4 }) }),
  fc.record({ EventName: fc.constantFrom(...EVENT_NAMES), Key: key, Records: fc.array(record, { minLength: 1, maxLength: 1 }) }),
  fc.record({ version: fc.constant('0'), 'detail-type': fc.constantFrom(...DETAIL_TYPES), source: fc.constant('aws.s3'), detail: fc.record({ bucket, object, reason: fc.constant('PutObject') }) }),
  fc.constant({ Service: 'Amazon S3', Event: 's3:TestEvent', Time: '2025-01-01T00:00:00.000Z', Bucket: 'datalake' })
)

/** What replaces a value of a notification: `undefined` (the value is then missing), or a value of any type. */
const replacement = fc.oneof(fc.constantFrom(undefined, null, true, 0, -1.5, '', 'x', [], {}, [null], { Records: [] }), fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<unknown>)

/** A notification in which one value, at any depth, is replaced. */
const changed = fc.tuple(notification as fc.Arbitrary<unknown>, fc.nat(), replacement).map(([value, place, other]) => replaceAt(value, place % countValues(value), other))

/** The number of values in a value, at any depth, with itself. */
function countValues (value: unknown): number {
  return 1 + (typeof value === 'object' && value !== null ? Object.values(value).reduce((sum: number, member) => sum + countValues(member), 0) : 0)
}

/** Replaces the value with the number `place`, counted from 0 in the order of the JSON text: 0 is the whole value. */
function replaceAt (value: unknown, place: number, other: unknown): unknown {
  if (place === 0) return other
  let rest = place - 1
  const entries = Object.entries(value as object).map(([name, member]) => {
    const count = countValues(member)
    const next = rest >= 0 && rest < count ? replaceAt(member, rest, other) : member
    rest -= count
    return [name, next] as const
  })
  return Array.isArray(value) ? entries.map(([, member]) => member) : Object.fromEntries(entries)
}

/** Large and deeply nested bodies, some of them above the size limit of request bodies. */
const HUGE = [
  '['.repeat(1_000_000), `${'['.repeat(500_000)}${']'.repeat(500_000)}`, `{"Records":${'['.repeat(400_000)}${']'.repeat(400_000)}}`, '{"a":'.repeat(150_000) + '1' + '}'.repeat(150_000),
  `{"Records":[${'1,'.repeat(500_000)}1]}`, `{"Records":[${'{},'.repeat(300_000)}{}]}`, `{"Records":[${'[],'.repeat(300_000)}[]]}`,
  JSON.stringify({ Records: Array.from({ length: 8000 }, (_, i) => ({ eventName: 'ObjectCreated:Put', s3: { bucket: { name: 'datalake' }, object: { key: `source_data/${i}.csv` } } })) }),
  JSON.stringify({ Records: [{ eventName: 'ObjectCreated:Put', s3: { bucket: { name: 'datalake' }, object: { key: `source_data/${'%'.repeat(1_000_000)}` } } }] }),
  JSON.stringify({ Records: [{ eventName: 'ObjectCreated:Put', s3: { bucket: { name: 'datalake' }, object: { key: `source_data/${'a/'.repeat(500_000)}.csv` } } }] }),
  JSON.stringify({ Records: [{ eventName: `s3:${'ObjectCreated'.repeat(70_000)}`, s3: { bucket: { name: 'datalake' }, object: { key: 'k' } } }] }),
  JSON.stringify({ Event: 'x'.repeat(1_048_576) }), `{${'"__proto__":{},'.repeat(60_000)}"Records":[]}`, '{"constructor":{"prototype":{}},"Records":[]}'
] as const

const TOKENS = ['"', '{', '}', '[', ']', ',', ':', '\\', '\\u0000', '\\ud83d', 'null', '1e999', '"Records":', '"s3":', '"detail":{}', '"__proto__":{}', '"constructor":{"prototype":{}}', '%', '%ff', '%2e%2e/', '+', '\ufeff', '😀', '\0']

const body = fc.oneof(
  { weight: 6, arbitrary: fc.oneof(notification, changed).map((value) => JSON.stringify(value) ?? '') },
  { weight: 3, arbitrary: fc.tuple(notification, mutations(TOKENS)).map(([value, changes]) => mutateText(JSON.stringify(value), changes)) },
  { weight: 2, arbitrary: fc.json({ maxDepth: 4 }) },
  { weight: 1, arbitrary: fc.constantFrom(...HUGE) }
)

/** The maximum CPU time of a request with a body of about 1 MiB, in milliseconds. A listing of the lake or a parser of that text takes less than a tenth of this. */
const MAX_CPU_MS = 2000

export const notifications: Target = {
  name: 'notifications',
  about: 'bodies of POST /events/s3: real events, damaged ones, any JSON, deep and huge ones: no 5xx, a 2xx exactly for what the OpenAPI document describes, in bounded time, and no record changes',
  runs: 300,
  open: async () => {
    const closing: (() => unknown)[] = []
    const requested = new Set<string>()
    const { app, fresh, endpoint } = await build({ teardown: (close) => { closing.push(close!) } }, { files: { '1.csv': csv('Ann'), '1.png': PNG, '2.csv': csv('Bob') }, settings: { MAX_STALENESS: '1h' } })
    await fresh('/data')
    const { body: data } = await app.inject('/data')
    endpoint.intercept = ({ operation, key, query }) => {
      requested.add(operation === 'LIST' ? query.get('prefix') ?? '' : key)
      return undefined
    }
    const property = fc.asyncProperty(body, async (payload) => {
      const begin = process.cpuUsage()
      const response = await app.inject({ method: 'POST', url: '/events/s3', payload, headers: { 'content-type': 'application/json' } })
      const { user, system } = process.cpuUsage(begin)
      assert.ok((user + system) / 1000 < MAX_CPU_MS, `${user + system} us`)
      const { statusCode } = response
      assert.ok([202, 204, 400, 413].includes(statusCode), `${statusCode}: ${response.body}`)
      const parsed = parse(payload)
      if (parsed !== undefined && statusCode !== 413) assert.equal(statusCode < 300, isDocumented(parsed), `${statusCode}: ${response.body}`)
      if (statusCode === 202) {
        const { accepted, ignored } = response.json() as { accepted: number, ignored: number }
        assert.ok(accepted + ignored > 0)
      }
      assert.equal((await app.inject('/data')).body, data)
      for (const key of requested) assert.match(key, /^source_data\/(?!.*(^|\/)\.\.?(\/|$))/s)
      requested.clear()
    })
    return { property, close: async () => { for (const close of closing.toReversed()) await close() } }
  }
}

/** The JSON value of a body; `undefined` if the body is not JSON, or has members that could change prototypes, which the server refuses. */
function parse (payload: string): unknown {
  try {
    const value: unknown = JSON.parse(payload)
    return /"(__proto__|constructor)":/.test(JSON.stringify(value)) ? undefined : value
  } catch {
    return undefined
  }
}

/** Whether the OpenAPI document describes a body, and the body has the members of one of the three kinds of notifications. */
function isDocumented (value: unknown): boolean {
  if (!Check(BucketNotification, value)) return false
  const { Records, Event, detail, 'detail-type': detailType } = value
  return Records !== undefined || Event !== undefined || (detail !== undefined && detailType !== undefined)
}
