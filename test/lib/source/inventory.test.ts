import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { parseSchema } from '../../../lib/schema/schema.js'
import { takeInventory } from '../../../lib/source/inventory.js'
import { ObjectList, sliceToString } from '../../../lib/store/object-list.js'
import { compareUtf8 } from '../../../lib/base/utf8.js'
import { DUPLICATE_RULES, INFO_FORMATS, type DuplicateRule } from '../../../lib/base/info-formats.js'
import { FolderStore } from '../../../lib/store/folder/folder-store.js'
import { runs } from '../../support/property-runs.js'
import { wrapStore } from '../../support/stores.js'
import { testFolder } from '../../support/test-folder.js'

const EXTENSIONS: Readonly<Record<string, readonly string[]>> = { photo: ['png', 'jpg'], front: ['front.png', 'front.side.png', 'webp'] }
const { descriptor: schema } = parseSchema(JSON.stringify({
  fields: [{ name: 'photo', type: 'string', source: 'image' }, { name: 'front', type: 'string', source: 'image', extensions: EXTENSIONS['front'] }]
}))
// `webp` is one of imageExtensions, but belongs to the field `front`, which names it.
const RULES = { prefix: '', ownKeys: ['out.csv'], imageExtensions: ['png', 'jpg', 'webp'], delimiter: ',', encoding: 'utf-8', duplicates: 'shortest', schema, timeZone: 'UTC' } as const

interface Listed { readonly key: string, readonly lastModified: number }

/** The reference implementation of the rules, without regard to speed. */
function plainInventory (objects: readonly Listed[], duplicates: DuplicateRule) {
  const parts = objects.filter(({ key }) => key !== 'out.csv').map((object) => {
    const name = object.key.slice(object.key.lastIndexOf('/') + 1)
    const dots = [...name].flatMap((character, i) => character === '.' ? i : [])
    for (const dot of dots) {
      const extension = name.slice(dot + 1).toLowerCase()
      const field = Object.keys(EXTENSIONS).find((field) => EXTENSIONS[field]!.includes(extension))
      if (field !== undefined || (INFO_FORMATS as readonly string[]).includes(extension)) return { ...object, id: name.slice(0, dot), field: field ?? 'info' }
    }
    return { ...object, id: '', field: 'other' }
  })
  const of = (field: string) => parts.filter((part) => part.field === field)
  const isValid = (id: string) => !['', '.', '..'].includes(id)
  const shorter = (a: Listed, b: Listed) => a.key.length - b.key.length || compareUtf8(a.key, b.key)
  const newer = (a: Listed, b: Listed) => b.lastModified - a.lastModified || compareUtf8(b.key, a.key)
  const ids = [...new Set(of('info').map(({ id }) => id).filter(isValid))].sort(compareUtf8)
  const first = (field: string, id: string, order: typeof shorter) => of(field).filter((part) => part.id === id).sort(order)[0]?.key ?? null
  return {
    records: ids.map((id) => [id, first('info', id, duplicates === 'newest' ? newer : shorter), first('photo', id, newer), first('front', id, newer)]),
    refused: of('info').length - ids.length,
    orphans: [...of('photo'), ...of('front')].filter(({ id }) => !ids.includes(id)).map(({ key }) => key).sort(compareUtf8),
    ignored: of('other').length
  }
}

t.test('keys are joined into records as by the reference implementation of the rules', async (t) => {
  const base = fc.constantFrom('', 'a', 'b', 'a.front', 'a.side', 'A', 'a.b', '..', 'out')
  const extension = fc.constantFrom('csv', 'CSV', 'tsv', 'csv.gz', 'json', 'png', 'Png', 'front.png', 'FRONT.png', 'front.side.png', 'side.png', 'webp', 'txt', 'gz', '')
  const key = fc.tuple(fc.constantFrom('', 'x/', 'x.png/'), base, fc.constantFrom('.', '.', ''), extension).map((parts) => parts.join('')).filter((key) => key !== '' && !key.endsWith('/'))
  const objects = fc.uniqueArray(fc.record({ key, lastModified: fc.nat(2) }), { selector: ({ key }) => key, maxLength: 25 })
  const store = new FolderStore(testFolder(t))
  await fc.assert(fc.asyncProperty(objects, fc.constantFrom(...DUPLICATE_RULES), async (objects, duplicates) => {
    const listed = [...objects].sort((a, b) => compareUtf8(a.key, b.key)).map((object) => ({ ...object, etag: 'e', size: 1 }))
    const { infoFiles, entities, images, listingRejects, duplicates: duplicateFiles, ignored } = await takeInventory(wrapStore(store, { list: async function * () { yield new ObjectList(listed) } }), { ...RULES, duplicates }, () => {})
    const found = {
      records: [...entities].map((infoFile, entity) => [
        sliceToString(infoFiles.id(infoFile)), infoFiles.at(infoFile).key,
        ...images.map(({ objects, ofEntities }) => ofEntities[entity] === -1 ? null : objects.at(ofEntities[entity]!).key)
      ]),
      refused: listingRejects.length + duplicateFiles.length,
      orphans: images.flatMap(({ objects, orphans }) => [...orphans].map((image) => objects.at(image).key)).sort(compareUtf8),
      ignored: ignored.reduce((sum, { count }) => sum + count, 0)
    }
    assert.deepEqual(found, plainInventory(objects, duplicates))
  }), runs(2000))
})

t.test('an endless listing with ever new keys fails before the memory is full', async (t) => {
  let pages = 0
  async function * endless () {
    for (;; pages++) yield new ObjectList(['csv', 'png', 'txt'].map((extension) => ({ key: `${String(pages).padStart(9, '0')}.${extension}`, etag: 'e', size: 1, lastModified: 0 })))
  }
  const store = wrapStore(new FolderStore('/nowhere'), { list: endless })
  await t.rejects(takeInventory(store, RULES, () => {}, undefined, 1024 ** 2), {
    code: 'invalid_listing', message: 'the listing has not ended after 2622 info files and images, the most for 1 MiB of memory: either the store repeats itself without end, or this process needs more memory'
  })
  t.equal(pages, 1310)
})
