import { FolderStore } from '../../lib/store/folder/folder-store.js'

// A separate process for tests of the lock. For each path of a folder that it receives, it writes conditionally to the folder and sends the outcome.
process.on('message', async (path: string) => {
  const store = new FolderStore(path)
  const outcome = await store.put(`by-${process.pid}`, Buffer.from(''), { ifMatch: null }).then(() => 'written', error => error.code)
  process.send!(outcome)
})
process.send!('ready')
