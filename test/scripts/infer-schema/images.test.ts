import t from 'tap'
import { inferImages } from '../../../scripts/infer-schema/images.js'

const fieldsOf = (images: readonly string[], ids = ['7', '8', '7.x'], taken: readonly string[] = []) =>
  Object.fromEntries(inferImages({ ids: new Set(ids), images }, taken).map(({ name, extensions }) => [name, extensions ?? 'default']))

t.test('there is an image field for each word between the id and the extension in the names of images, up to eight', async (t) => {
  const defaults = ['png', 'jpg', 'jpeg', 'webp', 'gif']
  t.same(fieldsOf([]), {})
  t.same(fieldsOf(['7.png', '8.JPG', 'other.png']), { image: 'default' })
  t.same(fieldsOf(['7.front.jpg', '8.FRONT.png', '8.side.png']), { front: ['front.jpg', 'front.png'], side: ['side.png'] })
  t.same(fieldsOf(['7.front.jpg', '7.png']), { image: defaults, front: ['front.jpg'] })
  t.same(fieldsOf(['7.x.png', '7.x.front.png']), { image: defaults, front: ['front.png'] }, 'the longest id counts')
  t.same(fieldsOf(['7.png'], ['7'], ['image']), { image_key: 'default' })
  t.same(fieldsOf(['7.two words.png', '7.größe.png']), {}, 'a schema does not accept these extensions')
  const dated = ['7.png', '8.png', ...Array.from({ length: 30 }, (_, i) => `7.2024-${i}.png`)]
  t.equal(Object.keys(fieldsOf(dated)).length, 8, 'more words are not names of fields, but dates or versions')
  t.ok('image' in fieldsOf(dated), 'the most frequent words count')
})
