import { S3Client } from '@aws-sdk/client-s3'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { RequestSigner } from '../../../../../lib/store/s3/fast-path/request-signer.js'
import { runs } from '../../../../support/property-runs.js'

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
const name = fc.string({ minLength: 1, maxLength: 80, unit: fc.constantFrom(...'abcXYZ019/+=-_') })
const encoded = fc.string({ unit: 'grapheme', maxLength: 60 }).map((text) => encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`))
const query = fc.dictionary(fc.constantFrom('prefix', 'list-type', 'continuation-token', 'encoding-type', 'start-after'), encoded)

t.test('signs requests as the signer of the SDK does, with each key, region, time and path, several requests per signer', async () => {
  const keys = fc.record({ accessKeyId: name, secretAccessKey: name, sessionToken: name }, { requiredKeys: ['accessKeyId', 'secretAccessKey'] })
  const host = fc.constantFrom('bucket.s3.eu-west-1.amazonaws.com', '127.0.0.1:9000')
  const region = fc.constantFrom('us-east-1', 'eu-west-1', 'auto')
  const now = fc.integer({ min: 0, max: 4e12 })
  await fc.assert(fc.asyncProperty(keys, host, region, now, fc.array(fc.tuple(encoded, query), { minLength: 1, maxLength: 3 }), async (credentials, host, region, now, requests) => {
    const ours = new RequestSigner(credentials, { host, region, now })
    const reference = await new S3Client({ region, credentials }).config.signer()
    for (const [key, query] of requests) {
      const path = `/bucket/${key}`
      const decoded = Object.fromEntries(Object.entries(query).map(([name, value]) => [name, decodeURIComponent(value)]))
      const request = { method: 'GET', protocol: 'http:', hostname: 'unused', path, query: decoded, headers: { host, 'x-amz-content-sha256': EMPTY_SHA256 } }
      const { headers: expected } = await reference.sign(request, { signingDate: new Date(now) })
      const headers = ours.sign(path, Object.entries(query).map(([name, value]) => `${name}=${value}`).sort().join('&'))
      assert.deepEqual(Object.fromEntries(pairs(headers)), { ...expected })
    }
  }), runs(300))
})

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

function * pairs (flat: readonly string[]): Generator<[string, string]> {
  for (let i = 0; i < flat.length; i += 2) yield [flat[i]!, flat[i + 1]!]
}
