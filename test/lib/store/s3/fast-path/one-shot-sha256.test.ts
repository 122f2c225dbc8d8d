import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { OneShotSha256 } from '../../../../../lib/store/s3/fast-path/one-shot-sha256.js'
import { runs } from '../../../../support/property-runs.js'

const data = fc.oneof(fc.string({ unit: 'grapheme' }), fc.uint8Array({ maxLength: 300 }), fc.uint8Array().map((bytes) => Uint8Array.from(bytes).buffer))
const bytesOf = (data: string | Uint8Array | ArrayBuffer) => typeof data === 'string' ? Buffer.from(data) : Buffer.from(new Uint8Array(data))

t.test('computes the same digest as node:crypto, with and without a secret', async () => {
  await fc.assert(fc.asyncProperty(fc.option(data, { nil: undefined }), fc.array(data, { maxLength: 4 }), async (secret, parts) => {
    const expected = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
    const actual = new OneShotSha256(secret)
    for (const part of parts) {
      expected.update(bytesOf(part))
      actual.update(part)
    }
    assert.deepEqual(Buffer.from(await actual.digest()), expected.digest())
  }), runs(1000))
})

t.test('never returns a cached digest for other data or another secret', async (t) => {
  for (const [secret, text] of [['a', 'x'], ['a', 'x'], ['a', 'y'], ['b', 'y'], ['a', 'y']] as const) {
    const actual = new OneShotSha256(secret)
    actual.update(text)
    t.equal(Buffer.from(await actual.digest()).toString('hex'), createHmac('sha256', secret).update(text).digest('hex'))
  }
})
