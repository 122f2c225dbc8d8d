import t from 'tap'
import { ApiKeys } from '../../plugins/access/api-keys.js'
import { main } from '../../scripts/key.js'
import { runMain } from '../support/run-main.js'

t.test('a new key is printed with the entry for the settings', async (t) => {
  const [first, second] = [await runMain(main, ['--name', 'shop', '--scopes', 'read,stats']), await runMain(main, ['--name', 'shop', '--scopes', 'read,stats'])]
  t.match(first, { code: 0, err: '' })
  const [, key, entry] = /^key: {3}(userlake_[\w-]{43})\nentry: (shop:read\+stats:[\w-]{43})\n$/.exec(first.out)!
  const keys = new ApiKeys(entry!)
  t.match(keys.find(key!), { name: 'shop', scopes: ['read', 'stats'] })
  t.equal(keys.find(`${key!}x`), undefined)
  t.notMatch(second.out, key!, 'each call makes a new key')
})

t.test('wrong arguments are named', async (t) => {
  t.match(await runMain(main, ['--scopes', 'read']), { code: 2, out: '', err: 'key: --name is missing; see --help\n' })
  for (const scopes of ['all', 'read,', ',', 'read,admin']) {
    t.match(await runMain(main, ['--name', 'shop', '--scopes', scopes]), { code: 2, out: '', err: `key: --scopes: got '${scopes}'; must be one or more of read, write, stats, events, metrics, separated by commas\n` })
  }
  for (const name of ['my shop', 'a:b', 'n'.repeat(65)]) {
    t.match(await runMain(main, ['--name', name, '--scopes', 'read']), { code: 2, out: '', err: `key: --name: got '${name}'; must be 1 to 64 letters, digits and . _ - @\n` })
  }
  t.match(await runMain(main, ['--help']), { code: 0, out: /^Makes an API key/ })
})
