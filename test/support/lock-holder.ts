import { FolderStore } from '../../lib/store/folder/folder-store.js'

// A separate process for tests of the lock: writes conditionally to each folder that it receives, and sends back the outcome.
process.on('message', async (path: string) => {
  const store = new FolderStore(path)
  const outcome = await store.put(`by-${process.pid}`, Buffer.from(''), { ifMatch: null }).then(() => 'written', error => error.code)
  process.send!(outcome)
})
process.send!('ready')
