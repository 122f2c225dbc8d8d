import { describeFailure, ERROR_CODES } from '../../lib/base/failure-code.js'
import { MIN_RECORDS } from '../../lib/query/suppress-few.js'

/** What the codes of problems mean. They are stable, since programs rely on them; more may be added. */
export const PROBLEM_CODES: Readonly<Record<string, string>> = {
  invalid_parameter: 'A parameter is invalid; `errors` contains its name, the value received and what is accepted',
  unexpected_body: 'The request has a body and must not have one',
  record_not_found: 'There is no such record',
  image_not_found: 'The record has no image',
  job_not_found: 'This process has no such job',
  not_found: 'There is no such route',
  not_acceptable: 'None of the formats or encodings that the request accepts is available',
  version_gone: 'The data version of the cursor is no longer retained, or is unknown to this process',
  condition_not_met: 'The current response does not meet the condition of `If-Match` or `If-Unmodified-Since`',
  unsupported_image: 'The file is not an image of a supported type',
  range_not_satisfiable: 'The `Range` begins after the end of the image',
  publishing_disabled: 'The setting `PUBLISH` is false, so this process writes nothing to the lake',
  confirmation_mismatch: 'The data version is not the one that `confirm` names, so nothing was published: the lake has changed since, or another one was meant',
  no_data: 'The lake has not been read yet',
  data_too_old: 'The data is older than the setting `MAX_STALE_IF_ERROR` allows',
  draining: 'The process is shutting down',
  overloaded: 'Too many expensive requests are waiting, responses that clients have not read yet take `RESPONSES_MAX_BYTES`, 4096 requests wait for the lake, 256 requests for images are in progress, or 256 event streams are open',
  ...Object.fromEntries(ERROR_CODES.map((code) => [code, describeFailure(code)])),
  unauthorized: 'The request has no credentials, or they are not valid',
  identity_provider_unavailable: 'The keys of the identity provider, which tokens are verified with, cannot be loaded',
  insufficient_scope: 'The credentials do not have a scope that the route needs',
  too_few: `Fewer than ${MIN_RECORDS} records match, and the credentials have only the scope \`stats\``,
  forbidden: 'The request is not allowed: it is a `POST` by a web page of another site',
  method_not_allowed: 'The route does not support this method; `Allow` lists the supported ones',
  too_many_requests: 'The client has sent more requests that make the service list the lake than the setting `RATE_LIMIT` allows; `Retry-After` has the seconds to wait',
  bad_request: 'The request is not valid HTTP, or its URL or `Host` is malformed',
  request_timeout: 'The request did not arrive in time: its headers must arrive within 15 s, the whole request within 30 s',
  payload_too_large: 'The body is too large',
  uri_too_long: 'A path parameter is longer than 720 characters',
  unsupported_media_type: 'The request body has an unsupported media type',
  expectation_failed: 'The `Expect` header of the request is not supported',
  misdirected_request: 'The name in `Host` is not in the setting `ALLOWED_HOSTS`',
  request_header_fields_too_large: 'The URL and the headers are too large together'
}
