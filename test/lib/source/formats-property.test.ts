import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { parseInfoFile } from '../../../lib/source/info-file.js'
import { encodeText, fileContent, fileOptions, isBlank, pack, TYPED_SCHEMA as schema, writeInfoFile } from '../../support/info-file-arbitrary.js'
import { runs } from '../../support/property-runs.js'

t.test('the same record in any format and encoding has the same values', async () => {
  fc.assert(fc.property(fileContent, fileOptions, (content, options) => {
    fc.pre(!isBlank(content, options))
    const bytes = pack(encodeText(writeInfoFile(content, options), options), options)
    const { data, rejection } = parseInfoFile(bytes, { ...options, schema, id: '1' })
    assert.equal(rejection, undefined)
    assert.deepEqual(data!.values, content.values)
    const missing = options.format === 'json' ? {} : { city: '' }
    assert.deepEqual({ ...data!.undeclared }, content.city === null ? missing : { city: content.city })
  }), runs(2000))
})
