import type { Schema } from '../../lib/schema/schema.js'

/** Names that other members of a quarantine entry, or other parameters of GET /rejects, already have. */
const TAKEN = ['key', 'etag', 'code', 'detail', 'hint', 'line', 'column', 'excerpt', 'last_good', 'limit', 'cursor', 'format', 'bom', 'delimiter', 'escape_formulas', '__proto__']

/** The name of the key in paths: that of the key field if it is an identifier, otherwise `key`. `field` is another path parameter. */
export function pathKey ({ key: { name } }: Schema): string {
  return /^[A-Za-z]\w*$/.test(name) && name !== 'field' ? name : 'key'
}

/** The name of the key in the quarantine: that of the key field, unless another member or parameter has it. */
export function keyMember ({ key: { name } }: Schema): string {
  return TAKEN.includes(name) ? 'record_key' : name
}
