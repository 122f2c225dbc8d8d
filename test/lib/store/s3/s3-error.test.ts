import t from 'tap'
import { toS3Error } from '../../../../lib/store/s3/s3-error.js'

t.test('maps every failure to an error code', async t => {
  const cases: Array<[Record<string, unknown>, string, string]> = [
    [{ code: 'ECONNREFUSED' }, 'unreachable', 'the connection failed (ECONNREFUSED)'],
    [{ code: 'EAI_AGAIN' }, 'unreachable', 'the connection failed (EAI_AGAIN)'],
    [{ code: 'ECONNRESET', name: 'TimeoutError' }, 'unreachable', 'the connection failed (ECONNRESET)'],
    [{ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'unreachable', 'the connection failed (DEPTH_ZERO_SELF_SIGNED_CERT)'],
    [{ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'unreachable', 'the connection failed (ERR_TLS_CERT_ALTNAME_INVALID)'],
    [{ code: 'ETIMEDOUT' }, 'timeout', 'no response in time'],
    [{ name: 'TimeoutError' }, 'timeout', 'no response in time'],
    [{ name: 'CredentialsProviderError' }, 'access_denied', 'no credentials'],
    [{ message: 'Checksum mismatch: expected "a"' }, 'corrupt', 'the body does not match its checksum'],
    [{ code: 'ERR_INVALID_ARG_TYPE' }, 'store_error', 'ERR_INVALID_ARG_TYPE'],
    [{ name: 'TypeError', message: 'a secret' }, 'store_error', 'TypeError'],
    [{ name: 'SlowDown', $metadata: { httpStatusCode: 503 } }, 'store_error', 'HTTP 503 SlowDown'],
    [{ name: 'KeyTooLongError', $metadata: { httpStatusCode: 400 } }, 'invalid_key', 'HTTP 400 KeyTooLongError']
  ]
  for (const [properties, code, reason] of cases) {
    const cause = Object.assign(new Error('text'), properties)
    const error = toS3Error(cause, 's3://lake/key')
    t.match(error, { code, cause }, reason)
    t.equal(error.message, `s3://lake/key: ${reason}`)
  }
})
