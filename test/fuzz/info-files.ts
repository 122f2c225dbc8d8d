import assert from 'node:assert/strict'
import fc from 'fast-check'
import { compileSchema, type Schema } from '../../lib/schema/schema.js'
import { USERS_SCHEMA } from '../../lib/schema/users-schema.js'
import { parseInfoFile } from '../../lib/source/info-file.js'
import { REJECT_CODES } from '../../lib/source/reject.js'
import { encodeText, fileContent, fileOptions, pack, TYPED_SCHEMA, writeInfoFile } from '../support/info-file-arbitrary.js'
import { readReference } from '../support/info-file-reference.js'
import { mutateBytes, mutateText, mutations } from '../support/mutations.js'
import type { Target } from './target.js'

/** What has a meaning in at least one of the formats, or in the schemas. */
const TOKENS = [
  '"', '""', ',', ';', '||', '\t', '\n', '\r\n', '\r', ' ', '\u00a0', '\ufeff', '\u2028', '\v', '\0', '{', '}', '[', ']', ':', '\\', '\\u', '\\ud83d', '\\u0000', '😀', '\ud83d', 'é', '\u0080',
  'text', 'count', 'city', 'user_id', 'first_name,last_name,birthts\nAnn,Lee,0\n', '{"first_name":"Ann","last_name":"","birthts":0}', '__proto__', 'constructor', 'null', 'true', '-0', '1e999', 'NaN',
  '9007199254740993', '1.5', '2024-02-29', '2024-01-26T12:00:00Z', '\n,,\n', '"count":1,'
]

const SCHEMAS: readonly Schema[] = [TYPED_SCHEMA, compileSchema(USERS_SCHEMA)]

const source = fc.oneof(
  { weight: 8, arbitrary: fc.record({ content: fileContent, textChanges: mutations(TOKENS), byteChanges: mutations(TOKENS), packedChanges: mutations(['\0', '\x1f']) }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }).map((bytes) => ({ bytes: Buffer.from(bytes) })) },
  { weight: 3, arbitrary: fc.array(fc.constantFrom(...TOKENS), { maxLength: 16 }).map((tokens) => ({ text: tokens.join('') })) }
)

// At most two changes of the packed bytes: nearly every change of a .csv.gz file makes it malformed.
const property = fc.property(source, fileOptions, fc.constantFrom(...SCHEMAS.keys()), (source, fileOptions, schema) => {
  const bytes = 'bytes' in source
    ? source.bytes
    : 'text' in source
      ? pack(encodeText(source.text, fileOptions), fileOptions)
      : mutateBytes(pack(mutateBytes(encodeText(mutateText(writeInfoFile(source.content, fileOptions), source.textChanges), fileOptions), source.byteChanges), fileOptions), source.packedChanges.slice(2))
  const { format, encoding, delimiter } = fileOptions
  const options = { format, encoding, delimiter, schema: SCHEMAS[schema]!, id: '1' }
  const { data, rejection } = parseInfoFile(bytes, options)
  const expected = readReference(bytes, options)
  const about = `${JSON.stringify(bytes.toString('latin1'))} ${JSON.stringify({ format, encoding, delimiter })}`
  if (rejection !== undefined) {
    assert.ok(REJECT_CODES.includes(rejection.code), about)
    for (const text of [rejection.detail, rejection.hint, rejection.column, rejection.excerpt]) assert.doesNotMatch(text ?? '', /\p{Surrogate}/u, `half a surrogate pair for ${about}`)
    assert.equal(expected, undefined, `${rejection.code}: ${rejection.detail}, but the reference reads ${JSON.stringify(expected)} from ${about}`)
    return
  }
  assert.deepEqual({ values: data.values, undeclared: { ...data.undeclared } }, expected && { values: expected.values, undeclared: { ...expected.undeclared } }, about)
})

export const infoFiles: Target = {
  name: 'info-files',
  about: 'info files of all formats and encodings, whole and damaged: each is a reject with a code, or the record that a plain parser reads',
  runs: 2000,
  open: async () => ({ property })
}
