import t from 'tap'
import { isAddressable, isFilterable } from '../../web/columns.js'
import { columnsIn } from './columns.js'

const names = (columns: readonly { readonly name: string }[]) => columns.map(({ name }) => name)

t.test('of the users lake, declared columns without images are shown, numbers are plotted, and columns other than the key that conditions can name are grouped', async (t) => {
  const users = columnsIn('schemas/users.json', 'city', 'a=b')
  t.same(names(users.all), ['user_id', 'first_name', 'last_name', 'birthts', 'age', 'img_path', 'city', 'a=b'])
  t.same(names(users.shown), ['user_id', 'first_name', 'last_name', 'birthts', 'age'])
  t.same(names(users.numeric), ['age', 'birthts'])
  t.same(names(users.groupable), ['first_name', 'last_name', 'city', 'age', 'birthts'])
  t.equal(users.key.name, 'user_id')
})

t.test('a column of the files that is named age replaces the virtual one', async (t) => {
  const users = columnsIn('schemas/users.json', 'age')
  t.equal(users.age, undefined)
  t.equal(users.byName.get('age')!.kind, 'undeclared')
})

t.test('a lake without ages and images has neither, and groups by the columns with few values first', async (t) => {
  const devices = columnsIn('examples/devices/schema.json')
  t.same([devices.age, names(devices.images)], [undefined, []])
  t.same(names(devices.numeric), ['temperature', 'battery', 'installed_at', 'last_seen'])
  t.same(names(devices.groupable).slice(0, 3), ['kind', 'model', 'online'])
  t.equal(devices.byName.get('installed_at')!.title, 'Installed at')
})

t.test('conditions and lists can name a column unless its name has characters with a meaning there', async (t) => {
  t.same(['a b', '-a', 'a,b', 'a=b', '!a'].map((name) => [isFilterable(name), isAddressable(name)]), [[true, true], [true, false], [false, false], [false, false], [false, false]])
})
