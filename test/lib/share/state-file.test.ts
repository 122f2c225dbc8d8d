import t from 'tap'
import { StateFile } from '../../../lib/share/state-file.js'
import { FolderStore } from '../../../lib/store/folder/folder-store.js'
import { testFolder } from '../../support/test-folder.js'

t.test('the ages of a state count up to the moment when it is sent, also if it has waited for an earlier request', async (t) => {
  let now = 5000
  let respond = () => {}
  const response = new Promise<void>((resolve) => { respond = resolve })
  class SlowStore extends FolderStore {
    override async get (...args: Parameters<FolderStore['get']>): ReturnType<FolderStore['get']> {
      await response
      return await super.get(...args)
    }
  }
  const store = new SlowStore(testFolder(t, {}))
  t.teardown(() => store.close())
  const file = new StateFile({ store, key: 'state.json', identity: 'lake', clock: () => now, wallClock: () => now })
  const reading = file.read()
  const content = { leader: 'r1', isIdle: false, listingMs: 10, requests: 1, outputs: ['csv'], view: 'v', version: 'V', fingerprint: 'f', position: 'V', warnings: [], failed: [], steps: [] }
  const writing = file.write({ ...content, listedAt: 4000, listedAfter: 3500, outputsListedAt: 3000 })
  now = 7000
  respond()
  await reading
  t.ok(await writing)
  t.match(file.known, { sentAt: 7000, state: { writtenAt: 7000, listingAgeMs: 3000, outputAgeMs: 4000 } })
})
