import t from 'tap'
import { nameOfServer, toS3Error } from '../../../../lib/store/s3/s3-error.js'

t.test('maps every failure to an error code', async t => {
  const cases: Array<[Record<string, unknown>, string, string]> = [
    [{ code: 'ECONNREFUSED' }, 'unreachable', 'the connection to http://store failed (ECONNREFUSED)'],
    [{ code: 'EAI_AGAIN' }, 'unreachable', 'the connection to http://store failed (EAI_AGAIN)'],
    [{ code: 'ECONNRESET', name: 'TimeoutError' }, 'unreachable', 'the connection to http://store failed (ECONNRESET)'],
    [{ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'unreachable', 'the connection to http://store failed (DEPTH_ZERO_SELF_SIGNED_CERT): its certificate is not trusted: set NODE_EXTRA_CA_CERTS to a PEM file with the certificate of its authority'],
    [{ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, 'unreachable', 'the connection to http://store failed (UNABLE_TO_VERIFY_LEAF_SIGNATURE): its certificate is not trusted: set NODE_EXTRA_CA_CERTS to a PEM file with the certificate of its authority'],
    [{ code: 'CERT_HAS_EXPIRED' }, 'unreachable', 'the connection to http://store failed (CERT_HAS_EXPIRED): its certificate is not valid at this time: renew it, or check the clock of this machine'],
    [{ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'unreachable', 'the connection to http://store failed (ERR_TLS_CERT_ALTNAME_INVALID): its certificate is for another host name: check AWS_ENDPOINT_URL_S3'],
    [{ code: 'ETIMEDOUT' }, 'timeout', 'no response from http://store in time'],
    [{ name: 'TimeoutError' }, 'timeout', 'no response from http://store in time'],
    [{ message: 'Checksum mismatch: expected "a"' }, 'corrupt', 'the body does not match its checksum'],
    [{ code: 'ERR_INVALID_ARG_TYPE' }, 'store_error', 'ERR_INVALID_ARG_TYPE'],
    [{ name: 'TypeError', message: 'a secret' }, 'store_error', 'TypeError'],
    [{ name: 'SlowDown', $metadata: { httpStatusCode: 503 } }, 'store_error', 'HTTP 503 SlowDown'],
    [{ name: 'ExpiredToken', $metadata: { httpStatusCode: 400 } }, 'access_denied', 'HTTP 400 ExpiredToken: the session token has expired: renew the credentials'],
    [{ name: 'AccessDenied', $metadata: { httpStatusCode: 403 } }, 'access_denied', 'HTTP 403 AccessDenied: the credentials lack a right, are for another bucket or prefix, or were revoked: run userlake doctor'], // MinIO also for the keys of a disabled account
    [{ name: 'InvalidAccessKeyId', $metadata: { httpStatusCode: 403 } }, 'access_denied', 'HTTP 403 InvalidAccessKeyId: the server does not know the access key: check AWS_ACCESS_KEY_ID or the file of credentials, and the endpoint'],
    [{ name: 'SignatureDoesNotMatch', $metadata: { httpStatusCode: 403 } }, 'access_denied', 'HTTP 403 SignatureDoesNotMatch: the secret key does not belong to the access key: check AWS_SECRET_ACCESS_KEY or the file of credentials'],
    [{ name: 'RequestTimeTooSkewed', $metadata: { httpStatusCode: 403 } }, 'access_denied', 'HTTP 403 RequestTimeTooSkewed: the clocks of this machine and of the server differ by more than 15 minutes: set the clock'],
    [{ name: 'AuthorizationHeaderMalformed', Region: 'eu-west-1', $metadata: { httpStatusCode: 400 } }, 'store_error', 'HTTP 400 AuthorizationHeaderMalformed: the bucket is in the region eu-west-1: set AWS_REGION=eu-west-1'],
    [{ name: '301', $metadata: { httpStatusCode: 301 }, $response: { headers: { 'x-amz-bucket-region': 'eu-west-1' } } }, 'store_error', 'HTTP 301 301: the bucket is in the region eu-west-1: set AWS_REGION=eu-west-1'],
    [{ name: 'PermanentRedirect', Region: 'a "secret"', $metadata: { httpStatusCode: 301 } }, 'store_error', 'HTTP 301 PermanentRedirect: the bucket is in another region: set AWS_REGION'],
    [{ name: 'InvalidArgument', message: 'S3 API Requests must be made to API port.', $metadata: { httpStatusCode: 400 } }, 'store_error', "HTTP 400 InvalidArgument: this is the port of MinIO's console: set AWS_ENDPOINT_URL_S3 to the port of its API, by default 9000"],
    [{ name: 'InvalidArgument', message: 'a secret', $metadata: { httpStatusCode: 400 } }, 'store_error', 'HTTP 400 InvalidArgument'],
    [{ name: 'constructor', $metadata: { httpStatusCode: 400 } }, 'store_error', 'HTTP 400 constructor'],
    [{ name: 'KeyTooLongError', $metadata: { httpStatusCode: 400 } }, 'invalid_key', 'HTTP 400 KeyTooLongError']
  ]
  for (const [properties, code, reason] of cases) {
    const cause = Object.assign(new Error('text'), properties)
    const error = toS3Error(cause, 's3://lake/key', nameOfServer('http://user:secret@store/path'))
    t.match(error, { code, cause }, reason)
    t.equal(error.message, `s3://lake/key: ${reason}`)
  }
})
