import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { snippetsOf } from '../../web/copy-as.js'
import { parseQuery, entriesOf } from '../../web/query-state.js'
import { columnsIn } from './columns.js'

const users = columnsIn('schemas/users.json', "it's")
const entries = entriesOf(parseQuery("?where=last_name=O'Dunmore&min_age=30&columns=user_id,it's"))
const textsOf = (hasKey: boolean) => Object.fromEntries(snippetsOf('http://localhost:8080/', entries, users, hasKey).map(({ name, text }) => [name, text]))

t.test('the query is written in three languages, with names quoted', async (t) => {
  const texts = textsOf(false)
  t.equal(texts['curl'], "curl 'http://localhost:8080/data?where=last_name=O%27Dunmore&min_age=30&columns=user_id,it%27s'")
  t.match(texts['Python'], 'dtype={"user_id": str, "it\'s": str}, keep_default_na=False, na_values=[""],')
  t.match(texts['SQL (DuckDB)'], "types = {'user_id': 'VARCHAR', 'it''s': 'VARCHAR'}")
  t.notMatch(Object.values(texts).join(), /authorization|USERLAKE_KEY/i)
})

t.test('a key is named but never written', async (t) => {
  const texts = textsOf(true)
  t.match(texts['curl'], '-H "Authorization: Bearer $USERLAKE_KEY"')
  t.match(texts['Python'], 'os.environ["USERLAKE_KEY"]')
  t.match(texts['SQL (DuckDB)'], "MAP {'Authorization': 'Bearer <key>'}")
})

t.test('a shell passes the URL to curl as it is', async (t) => {
  const { text } = snippetsOf('http://localhost:8080/', [['where', "a~'$(x)`\\"]], users, false)[0]!
  const { stdout } = await promisify(execFile)('sh', ['-c', text.replace(/^curl/, 'printf %s')])
  t.equal(new URL(stdout).searchParams.get('where'), "a~'$(x)`\\")
})
