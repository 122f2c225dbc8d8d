import { compareUtf8 } from '../../base/utf8.js'
import type { FieldType } from '../field-type.js'

export const stringType: FieldType = {
  name: 'string',
  accepts: 'text',
  parse: (text) => text,
  fromJson: () => undefined,
  format: String,
  toJson: (value) => JSON.stringify(value),
  compare: (a, b) => compareUtf8(String(a), String(b))
}
