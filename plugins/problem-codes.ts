import { describeFailure, FAILURE_CODES } from '../lib/base/failure-code.js'

/** What the codes of problems mean. Stable: programs rely on them; more may come. */
export const PROBLEM_CODES: Readonly<Record<string, string>> = {
  invalid_parameter: 'A parameter is wrong; `errors` says which, what it got and what it takes',
  unexpected_body: 'The request has a body, and takes none',
  record_not_found: 'There is no such user',
  image_not_found: 'The user has no picture',
  job_not_found: 'This process knows no such job',
  not_found: 'There is no such route',
  not_acceptable: 'None of the formats or encodings that the request accepts is on offer',
  version_gone: 'The data version of the cursor is not held any more, or never was here',
  unsupported_image: 'The file is no picture of a type that is served',
  range_not_satisfiable: 'The picture has no such bytes',
  publishing_disabled: 'The setting `PUBLISH` is false, so this process writes nothing to the lake',
  no_data: 'The source has not been read yet',
  data_too_old: 'The data is older than may be served',
  draining: 'The process is about to end',
  ...Object.fromEntries(FAILURE_CODES.map((reason) => [reason, describeFailure(reason)])),
  bad_request: 'The request can\'t be read',
  request_timeout: 'The request did not arrive in time',
  payload_too_large: 'The body is too large',
  uri_too_long: 'The path parameter is too long',
  unsupported_media_type: 'The type of the body is none',
  expectation_failed: 'The request expects what this service does not know',
  request_header_fields_too_large: 'The headers, of which the URL is one, are too large'
}
