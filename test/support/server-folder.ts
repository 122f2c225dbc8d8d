import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder for the files of a server that a test starts. `t.testdir` is not for them, because tap may remove it while the server still writes. */
export interface ServerFolder {
  readonly path: string
  /** Must be called after the server has ended. */
  readonly remove: () => void
}

export function makeServerFolder (): ServerFolder {
  const path = mkdtempSync(join(tmpdir(), 'userlake-server-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
