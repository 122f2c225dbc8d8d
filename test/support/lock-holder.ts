import { FolderStore } from '../../lib/store/folder/folder-store.js'

// A process of its own for tests of the lock: writes conditionally to each folder that it is told, and tells how that ended.
process.on('message', async (path: string) => {
  const store = new FolderStore(path)
  const outcome = await store.put(`by-${process.pid}`, Buffer.from(''), { ifMatch: null }).then(() => 'written', error => error.code)
  process.send!(outcome)
})
process.send!('ready')
