import t from 'tap'
import { countFiles, lakeFiles, type LakePlan } from '../../../scripts/sample-data/lake-files.js'

const plan: LakePlan = { users: 100, images: 0.92, seed: 1 }
const namesOf = (plan: LakePlan) => Array.from(lakeFiles(plan), ({ name }) => name)
const images = (plan: LakePlan) => namesOf(plan).filter(name => name.endsWith('.png'))

t.test('countFiles returns the number of files that lakeFiles yields', async t => {
  for (const users of [1, 2, 10, 100, 1003]) {
    for (const images of [0, 0.29, 0.5, 0.92, 1]) {
      t.equal(namesOf({ users, images, seed: 1 }).length, countFiles({ users, images, seed: 1 }))
    }
  }
})

t.test('the share of users has an image, and one image has no user', async t => {
  t.equal(images(plan).length, 92 + 1)
  t.equal(images({ ...plan, images: 1 }).length, 101)
  t.same(images({ ...plan, images: 0 }), ['no-info-file.png'])
})

t.test('a larger lake begins with the same users', async t => {
  const small = [...lakeFiles(plan)].slice(0, -1)
  const large = [...lakeFiles({ ...plan, users: 200 })]
  t.same(large.slice(0, small.length), small)
})

t.test('names are quoted as RFC 4180 requires', async t => {
  const texts = Array.from(lakeFiles(plan), ({ body }) => String(body)).filter(text => text.startsWith('first_name'))
  t.equal(texts[3], 'first_name, last_name, birthts\n"Augustus ""Gus""", "Pell, Jr.", -529642800000\n')
  t.match(texts[2], /^first_name, last_name, birthts\nRóisín, O'Dunmore, -?\d+\n$/)
  t.match(texts[5], /\n𠮷乃, , -?\d+\n$/)
})
