import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { applyChange, combineChanges, fingerprint, isNoChange, viewChange, type View, type ViewChange } from '../../../lib/source/view-change.js'
import type { SchemaDescriptor } from '../../../lib/schema/descriptor.js'
import { compileSchema } from '../../../lib/schema/schema.js'
import { reconcile } from '../../../lib/source/reconcile.js'
import { emptyState, encodeRejectedFiles, rejectedFilesOf, type RejectedFile, type SourceState } from '../../../lib/source/source-state.js'
import { tableFields } from '../../../lib/table/table-field.js'
import { runs } from '../../support/property-runs.js'
import { S3Bucket } from '../../support/s3-bucket.js'
import { MemoryStore } from '../../support/stores.js'
import { contentOf } from '../../support/view-content.js'

const schema: SchemaDescriptor = {
  fields: [
    { name: 'id', type: 'string', source: 'key' }, { name: 'name', type: 'string' }, { name: 'born', type: 'date', role: 'birth' }, { name: 'size', type: 'number' }, { name: 'seen', type: 'datetime' },
    { name: 'front', type: 'string', source: 'image', extensions: ['front.jpg'] }, { name: 'photo', type: 'string', source: 'image', extensions: ['png'] }
  ]
}
const rules = { prefix: 'in/', ownKeys: [], imageExtensions: [], delimiter: ',', encoding: 'utf-8', duplicates: 'shortest', schema, timeZone: 'Europe/Moscow' } as const

const id = fc.constantFrom('a', 'a.b', 'ü', '😀', 'z')
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('in/', 'in/sub/', 'in/x.'), id, name: fc.constantFrom('Ann', '', '"a,b"', '__proto__'), born: fc.constantFrom('', '2000-02-29', '1969-12-31'), size: fc.constantFrom('', '1.5', '-0', '9007199254740991'), extra: fc.constantFrom(undefined, 'city', '__proto__', 'constructor') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('front.jpg', 'png', 'bad'), id, text: fc.constantFrom('x', 'yy') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), nth: fc.nat() }) }
)

t.test('a change, written as JSON and applied to a view, gives exactly the next view; several changes can be combined', async (t) => {
  let changed = 0
  const property = runs(150)
  await fc.assert(fc.asyncProperty(fc.array(fc.array(step, { maxLength: 6 }), { minLength: 2, maxLength: 5 }), async (rounds) => {
    let now = Date.parse('2025-01-01')
    const bucket = new S3Bucket(() => { now += 1000; return now })
    const store = new MemoryStore(bucket)
    let state: SourceState = emptyState(tableFields(compileSchema(schema)))
    const views: View[] = []
    for (const steps of rounds) {
      for (const step of steps) {
        if (step.do === 'delete') bucket.delete(bucket.keys()[step.nth % Math.max(1, bucket.keys().length)] ?? '')
        else if ('text' in step) bucket.put(`in/${step.id}.${step.do === 'bad' ? 'csv' : step.do}`, step.text)
        else bucket.put(`${step.do}${step.id}.csv`, `name,born,size,seen${step.extra ? `,${step.extra}` : ''}\n${step.name},${step.born},${step.size},2025-01-02T03:04:05Z${step.extra ? ',Rome' : ''}\n`)
      }
      const view = await reconcile(store, state, () => 0, { rules })
      state = view.state
      views.push(view)
    }
    const changes: ViewChange[] = []
    let followed = views[0]!
    for (const [i, view] of views.entries()) {
      if (i === 0) continue
      const change = JSON.parse(JSON.stringify(viewChange(views[i - 1]!, view))) as ViewChange
      if (!isNoChange(change)) changed++
      changes.push(change)
      followed = applyChange(followed, change, rules, 'n')
      assert.deepEqual(contentOf(followed), contentOf(view))
      assert.equal(fingerprint(followed), fingerprint(view))
      assert.ok(isNoChange(viewChange(followed, view)))
    }
    const first = views[0]!
    assert.deepEqual(contentOf(applyChange(first, combineChanges(changes), rules, 'n')), contentOf(views.at(-1)!))
    assert.deepEqual(contentOf(applyChange(views.at(-1)!, viewChange(views.at(-1)!, first), rules, 'n')), contentOf(first), 'also backwards')
  }), property)
  t.ok(changed > property.numRuns)
})

t.test('the fingerprint of a view differs if an image was replaced', async (t) => {
  const bucket = new S3Bucket(() => 0)
  const store = new MemoryStore(bucket)
  bucket.put('in/a.csv', 'name,born,size,seen\nAnn,,,\n')
  bucket.put('in/a.png', 'x')
  const before = await reconcile(store, emptyState(tableFields(compileSchema(schema))), () => 0, { rules })
  bucket.put('in/a.png', 'y')
  const after = await reconcile(store, before.state, () => 0, { rules })
  t.equal(after.state.table.version, before.state.table.version)
  t.not(fingerprint(after), fingerprint(before))
})

t.test('the fingerprint of a view differs if a file is rejected for another reason, whatever the quarantine has, but not by the backoff of a process', async (t) => {
  const bucket = new S3Bucket(() => 0)
  bucket.put('in/a.csv', 'nothing,that,fits\n')
  const view = await reconcile(new MemoryStore(bucket), emptyState(tableFields(compileSchema(schema))), () => 0, { rules })
  const [file] = [...rejectedFilesOf(view.state).values()]
  const withRejected = (change: Partial<RejectedFile>) => ({ ...view, state: { ...view.state, rejected: encodeRejectedFiles([{ ...file!, ...change }]) } })
  t.equal(fingerprint(withRejected({ backoff: { since: 1, until: 2, pauseMs: 1, timeoutMs: 1, isGivenUp: false } })), fingerprint(view))
  t.not(fingerprint(withRejected({ rejection: { ...file!.rejection, code: 'download_failed' } })), fingerprint(view))
})
