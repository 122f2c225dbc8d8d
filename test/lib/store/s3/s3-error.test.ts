import t from 'tap'
import { toS3Error } from '../../../../lib/store/s3/s3-error.js'

t.test('maps every failure to an error code', async t => {
  const cases: Array<[Record<string, unknown>, string, string]> = [
    [{ code: 'ECONNREFUSED' }, 'unreachable', 'no connection, or it broke (ECONNREFUSED)'],
    [{ code: 'EAI_AGAIN' }, 'unreachable', 'no connection, or it broke (EAI_AGAIN)'],
    [{ code: 'ECONNRESET', name: 'TimeoutError' }, 'unreachable', 'no connection, or it broke (ECONNRESET)'],
    [{ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'unreachable', 'no connection, or it broke (DEPTH_ZERO_SELF_SIGNED_CERT)'],
    [{ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'unreachable', 'no connection, or it broke (ERR_TLS_CERT_ALTNAME_INVALID)'],
    [{ code: 'ETIMEDOUT' }, 'timeout', 'no answer in time'],
    [{ name: 'TimeoutError' }, 'timeout', 'no answer in time'],
    [{ name: 'CredentialsProviderError' }, 'access_denied', 'no credentials'],
    [{ message: 'Checksum mismatch: expected "a"' }, 'corrupt', 'the body is not what its checksum says'],
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
