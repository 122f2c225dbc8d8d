import { encodeCursor, type Cursor } from '../http/cursor.js'
import { example, type Examples } from './operation.js'

/** The body of a problem. */
function problem (status: number, title: string, code: string, detail: string, parameter?: string): object {
  const errors = parameter !== undefined && { errors: [{ parameter, detail }] }
  return { type: `urn:userlake:problem:${code}`, title, status, detail: parameter === undefined ? detail : `${parameter}: ${detail}`, code, request_id: 'kX3v9QzA-1f', ...errors }
}

const invalid = (parameter: string, detail: string) => problem(400, 'Bad Request', 'invalid_parameter', detail, parameter)
const notFound = (code: string, detail: string) => problem(404, 'Not Found', code, detail)

export const misspelt: Examples = {
  misspelt: example('A misspelt parameter', "'/data?min_agee=30'", invalid('min_agee', 'unknown parameter; did you mean min_age?'))
}
export const badBinWidth: Examples = {
  outOfRange: example('A width out of range', "'/stats?bin_width=0'", invalid('bin_width', 'got "0"; must be an integer from 1 to 999'))
}
export const badDryRun: Examples = {
  notBoolean: example('A value that is not a boolean', "-X POST '/data?dry_run=maybe'", invalid('dry_run', 'got "maybe"; must be true, false, 1 or 0'))
}
export const noSuchFormat: Examples = {
  xml: example('A format that is not available', "-H 'Accept: application/xml' '/data'", problem(406, 'Not Acceptable', 'not_acceptable',
    'Accept: got "application/xml"; must accept one of application/json, application/x-ndjson, application/ndjson, text/csv'))
}
export const noSuchRejectFormat: Examples = {
  xml: example('A format that is not available', "-H 'Accept: application/xml' '/rejects'", problem(406, 'Not Acceptable', 'not_acceptable',
    'Accept: got "application/xml"; must accept one of application/json, text/csv'))
}
export const noSuchEncoding = (url: string): Examples => ({
  brotli: example('A compression that is not available', `-H 'Accept-Encoding: br, identity;q=0' '${url}'`, problem(406, 'Not Acceptable', 'not_acceptable',
    'Accept-Encoding: got "br, identity;q=0"; must accept gzip or identity'))
})

/** The content of a cursor whose data version does not exist. */
const GONE: Cursor = {
  version: 'A'.repeat(22), parameters: [['sort', '-user_id']], limit: 100, asOf: Date.parse('2026-01-01T00:00:00Z'), after: { id: '1007', values: [] }
}
const [gone, current] = [GONE, { ...GONE, version: null }].map(encodeCursor) as [string, string]

export const expiredCursor: Examples = {
  expired: example('A listing of a data version that is no longer retained', `'/data?cursor=${gone}'`, {
    ...problem(410, 'Gone', 'version_gone', 'The data version of this listing is no longer retained, or is unknown to this process'),
    restart: '/data?sort=-user_id&limit=100',
    continue: `/data?limit=100&cursor=${current}`,
    continue_cursor: current
  })
}
export const unknownPosition: Examples = {
  unknown: example('A version that is older than the change log', `'/changes?since=${'A'.repeat(22)}'`, {
    ...problem(410, 'Gone', 'version_gone', 'since: the change log of this process does not contain this data version; read all records again'),
    restart: '/data'
  })
}
export const unknownRecord: Examples = {
  unknown: example('An unknown id', "'/data/1'", notFound('record_not_found', 'There is no record "1"')),
  rejected: example('An image without an info file', "'/data/no-info-file'", {
    ...notFound('record_not_found', 'There is no record "no-info-file": source_data/no-info-file.png is an image without an info file'),
    reject: { key: 'source_data/no-info-file.png', code: 'orphan', detail: 'No info file has the same name before the extension', hint: null }
  })
}
export const noImage: Examples = {
  none: example('A record without an image', "'/data/1007/image'", notFound('image_not_found', 'There is no image of "1007"'))
}
export const noAttachment: Examples = {
  none: example('A record without this image', "'/data/1007/attachments/img_path'", notFound('image_not_found', 'There is no image of "1007"')),
  noField: example('A name that is not that of an image field', "'/data/1007/attachments/photo'", notFound('image_not_found', 'There is no image field "photo"; must be one of img_path'))
}
export const noSuchRange: Examples = {
  beyond: example('A range after the end', "-H 'Range: bytes=999999-' '/data/1001/image'",
    problem(416, 'Range Not Satisfiable', 'range_not_satisfiable', 'Range: got "bytes=999999-"; the image has 1180 bytes'))
}
export const unknownJob: Examples = {
  unknown: example('A job that this process does not have', "'/jobs/1'", notFound('job_not_found', 'This process has no job "1"; GET /jobs lists its last 100'))
}
