import { join } from 'node:path'
import t from 'tap'
import { openStore } from '../../../lib/store/open-store.js'
import { contentTypeOf } from '../../../lib/base/media-types.js'
import { listFiles, uploadFiles } from '../../../lib/store/upload-folder.js'
import { testFolder } from '../../support/test-folder.js'

t.test('lists regular files at any depth, without the internal files of a folder store', async t => {
  const dir = testFolder(t, {
    'b.csv': '',
    deep: { er: { 'a.png': '' } },
    empty: {},
    '.userlake': { lock: '' },
    link: t.fixture('symlink', 'b.csv')
  })
  t.same((await listFiles(dir)).sort(), ['b.csv', 'deep/er/a.png'])
})

t.test('files are uploaded with the media types of a lake, by their extension', async t => {
  t.equal(contentTypeOf('a/1.csv'), 'text/csv; charset=utf-8')
  t.equal(contentTypeOf('1.JPG'), 'image/jpeg')
  t.equal(contentTypeOf('readme'), 'application/octet-stream')
})

t.test('uploads what is missing or different and nothing else', async t => {
  const dir = testFolder(t, {
    from: { same: 'same', other: 'new', longer: 'longer', missing: 'missing' },
    lake: { p: { same: 'same', other: 'old', longer: 'long', mine: 'mine' }, missing: 'elsewhere' }
  })
  const store = openStore({ url: `file:${join(dir, 'lake')}` })
  t.teardown(() => store.close())
  const from = join(dir, 'from')
  let uploaded = 0
  const upload = async () => uploadFiles(store, { from, files: await listFiles(from), prefix: 'p/', onFile: () => uploaded++ })
  t.same(await upload(), { uploaded: 3, unchanged: 1 })
  t.equal(uploaded, 4)
  t.same(await upload(), { uploaded: 0, unchanged: 4 })
  const bodyOf = async (key: string) => {
    const object = await store.get(key)
    return typeof object === 'object' ? String(object.body) : object
  }
  const keys = ['p/same', 'p/other', 'p/longer', 'p/missing', 'p/mine', 'missing']
  t.same(await Promise.all(keys.map(bodyOf)), ['same', 'new', 'longer', 'missing', 'mine', 'elsewhere'])
})
