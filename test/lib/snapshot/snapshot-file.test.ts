import { createHash } from 'node:crypto'
import t from 'tap'
import { INPUT_ENCODINGS } from '../../../lib/base/info-formats.js'
import { USERS_SCHEMA } from '../../../lib/schema/users-schema.js'
import { lakeIdentity } from '../../../lib/snapshot/snapshot-file.js'

t.test('snapshots by earlier releases are not used if their text was decoded by other rules; those of UTF-8 remain valid', async (t) => {
  // As before revisions of decoders were added to it.
  const formerIdentity = (encoding: string) => createHash('sha256').update(JSON.stringify(['s3://lake', 'source_data/', [], ['png'], ',', encoding, 'shortest', USERS_SCHEMA, 'UTC', ''])).digest('base64url')
  const unchanged = INPUT_ENCODINGS.filter((encoding) =>
    lakeIdentity('s3://lake', { prefix: 'source_data/', ownKeys: [], imageExtensions: ['png'], delimiter: ',', encoding, duplicates: 'shortest', schema: USERS_SCHEMA, timeZone: 'UTC' }) === formerIdentity(encoding))
  t.same(unchanged, ['utf-8'])
})
