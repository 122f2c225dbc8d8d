import fs from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { FolderStore } from '../../lib/store/folder/folder-store.js'
import { contract, type ContractSubject } from '../support/store-contract.js'
import { testFolder } from '../support/test-folder.js'

// Later than the times of the files, so that none is racy.
const clock = () => Date.now() + 10_000

function openFolder (t: Test, path: string, blocking: boolean): FolderStore {
  const store = new FolderStore(path, { clock, blocking })
  t.teardown(() => store.close())
  return store
}

/** A store whose file system never finishes a read. */
async function openStalled (t: Test): Promise<FolderStore> {
  const store = new FolderStore(testFolder(t, { key: 'content' }), { clock, fileSystem: { ...fs, read: (() => {}) as unknown as typeof fs.read } })
  t.teardown(() => store.close())
  return store
}

const subject = (blocking: boolean): ContractSubject => ({
  open: async (t, keys = []) => {
    const root = testFolder(t)
    for (const key of keys) {
      await mkdir(dirname(join(root, key)), { recursive: true })
      await writeFile(join(root, key), key)
    }
    return openFolder(t, root, blocking)
  },
  ...!blocking && { openStalled },
  openMissing: async t => openFolder(t, join(testFolder(t), 'missing'), blocking),
  additionalKeys: ['line\nbreak', 'carriage\rreturn', 'control\u0001']
})

t.test('a folder whose reads run in the thread pool', async t => contract(t, subject(false)))
t.test('a folder whose reads block', async t => contract(t, subject(true)))
