import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EngineError } from '../../lib/base/errors.js'
import { CommitConflictError, type Committed } from '../../lib/clickhouse/commits.js'
import { Connection } from '../../lib/clickhouse/connection.js'
import { S3Store } from '../../lib/store/s3/s3-store.js'
import { engineOptions } from '../support/clickhouse.js'
import { changeContent, deltaOf, EMPTY, openCommits, type Content } from '../support/commits.js'

// A process of test/lab/commits.ts: commits one change after the other until it is killed. The content that each stage leads to is in a file with its id.

const [endpoint, folder, database] = process.argv.slice(2) as [string, string, string]
const store = new S3Store({ bucket: 'lake', endpoint })
const commits = await openCommits(store, await Connection.open({ ...engineOptions(), database }))
let value = Math.floor(Math.random() * 1e9) * 1000

function contentOf (base: Committed | undefined): Content {
  return base === undefined ? EMPTY : (JSON.parse(readFileSync(join(folder, String(base.manifest.commit.stage)), 'utf8')) as { content: Content }).content
}

async function commitOne (): Promise<void> {
  const base = await commits.current()
  const content = changeContent(contentOf(base), Math.random, () => ++value)
  const stage = await commits.begin(base)
  const path = join(folder, String(stage.id))
  writeFileSync(`${path}.new`, JSON.stringify({ number: String(stage.number), base: base === undefined ? null : String(base.number), content }))
  renameSync(`${path}.new`, path)
  await stage.put(deltaOf(contentOf(base), content))
  await commits.commit(stage, { records: Object.keys(content.records).length, listedAt: 0, source: null })
}

process.send!('begun')
process.on('disconnect', () => { process.exit() })
for (;;) {
  await commitOne().catch((error: unknown) => {
    // Expected: the other process has committed first, or the parent process has meanwhile removed rows that this change needs (`forget`).
    if (!(error instanceof CommitConflictError) && !(error instanceof EngineError && error.code === 'engine_incomplete')) throw error
  })
}
