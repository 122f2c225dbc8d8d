import { compileSchema, type Schema } from '../schema/schema.js'
import { parseInfoFile } from './info-file.js'
import type { ParsedFile, ParseOptions } from './info-columns.js'
import { GENERAL_DETAILS, type Rejection } from './reject.js'
import type { HiddenColumns } from './rules.js'

/** Parses an info file as `parseInfoFile` does. The result contains nothing of the hidden columns, except that a rejection may name declared ones. */
export function parseWithHidden (body: Uint8Array, options: Omit<ParseOptions, 'schema'>, { schema: descriptor, names }: HiddenColumns): ParsedFile {
  const schema = compileSchema(descriptor)
  const { data, rejection } = parseInfoFile(body, { ...options, schema })
  if (rejection !== undefined) return { rejection: withoutHidden(rejection, schema, names) }
  return {
    data: {
      values: data.values.filter((_, i) => !names.includes(schema.fileFields[i]!.name)),
      undeclared: Object.assign(Object.create(null), Object.fromEntries(Object.entries(data.undeclared).filter(([name]) => !names.includes(name))))
    }
  }
}

/** Removes what may quote a hidden column. Only an excerpt that is the value of a declared column certainly contains nothing of other columns. */
function withoutHidden (rejection: Rejection, { fields }: Schema, names: readonly string[]): Rejection {
  const { code, column, detail, hint } = rejection
  const field = fields.find(({ name, headers }) => column !== null && (name === column || headers.includes(column)))
  const isOfValue = code === 'invalid_value' || code === 'reserved_header'
  if (isOfValue && field !== undefined && !names.includes(field.name)) return rejection
  return {
    ...rejection,
    detail: GENERAL_DETAILS[code] ?? detail,
    // The hints of these codes can quote a value or the name of an undeclared column.
    hint: isOfValue || code === 'missing_column' ? null : hint,
    column: field === undefined ? null : column,
    excerpt: null
  }
}
