import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { main } from '../../scripts/generate.js'
import { runMain } from '../support/run-main.js'
import { testFolder } from '../support/test-folder.js'

t.test('the generator writes a lake into a new folder', async t => {
  const lake = join(testFolder(t, {}), 'lake')
  const { code, out, err } = await runMain(main, ['--users', '10', '--lake', `file:${lake}`, '--images', '0.5', '--seed', '7'])
  t.equal(out, 'wrote 10 users, 16 files\n')
  t.match(err, /^16\/16, \d+\/s, \d+ s\n$/)
  t.equal(code, 0)
  t.equal((await runMain(main, ['--users', '1', '--lake', `file:${lake}`, '--prefix', 'one/'])).out, 'wrote 1 user, 3 files\n')
  const names = await readdir(join(lake, 'source_data'))
  t.equal(names.length, 16)
  t.match(await readFile(join(lake, 'source_data/1004.csv'), 'utf8'), 'first_name, last_name, birthts\n"Augustus')
})

t.test('--help prints the usage', async t => {
  const { code, out } = await runMain(main, ['--help'])
  t.equal(code, 0)
  for (const name of ['--users', '--lake', '--prefix', '--images', '--seed']) t.match(out, name)
})

t.test('invalid arguments are refused with one line that names them', async t => {
  const lake = ['--lake', 'file:nowhere']
  const cases: [string[], string][] = [
    [lake, '--users is missing; see --help'],
    [['--users', '5'], '--lake is missing; see --help'],
    [['--users', '0', ...lake], "--users: got '0'; must be an integer from 1 to 100000000"],
    [['--users', '1e3', ...lake], "--users: got '1e3'; must be an integer from 1 to 100000000"],
    [['--users', '5', ...lake, '--seed', '4294967296'], "--seed: got '4294967296'; must be an integer from 0 to 4294967295"],
    [['--users', '5', ...lake, '--images', '92'], "--images: got '92'; must be a number from 0 to 1"],
    [['--users', '5', ...lake, '--images', 'most'], "--images: got 'most'; must be a number from 0 to 1"],
    [['--users', '5', ...lake, '--prefix', 'data'], "--prefix: got 'data'; must be empty or end in /; use data/"],
    [['--users', '5', '--lake', 'nowhere'], "--lake: got 'nowhere'; must be s3://<bucket> or file:<folder>"],
    [['--users', '5', '--lake', './new'], "--lake: got './new'; must be s3://<bucket> or file:<folder>; use file:./new"],
    [['--users', '5', ...lake, '--sede', '1'], 'unknown option --sede; did you mean --seed?'],
    [['5'], "unexpected argument '5'; the command takes options only, such as --lake file:folder; see --help"]
  ]
  for (const [argv, message] of cases) {
    t.same(await runMain(main, argv), { code: 2, out: '', err: `generate: ${message}\n` })
  }
})
