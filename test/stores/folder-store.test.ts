import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { FolderStore } from '../../lib/store/folder/folder-store.js'
import { contract } from '../support/store-contract.js'

// Ahead of the files' times, so that none is young.
const clock = () => Date.now() + 10_000

function openFolder (t: Test, path: string): FolderStore {
  const store = new FolderStore(path, { clock })
  t.teardown(() => store.close())
  return store
}

contract(t, {
  open: async (t, keys = []) => {
    const root = t.testdir()
    for (const key of keys) {
      await mkdir(dirname(join(root, key)), { recursive: true })
      await writeFile(join(root, key), key)
    }
    return openFolder(t, root)
  },
  openMissing: async t => openFolder(t, join(t.testdir(), 'missing')),
  furtherKeys: ['line\nbreak', 'carriage\rreturn', 'control\u0001']
})
