import Fastify, { type InjectOptions, type RouteOptions } from 'fastify'
import { generateKeyPair } from 'jose'
import t from 'tap'
import access from '../../plugins/access.js'
import { ApiKeys } from '../../plugins/access/api-keys.js'
import { SCOPES, type Scope } from '../../plugins/access/scopes.js'
import config from '../../plugins/config.js'
import { bearer, entryOf, keyOf, ONE_KEY_PER_SCOPE } from '../support/api-keys.js'
import { build, csv, CLOCK_START, PNG, type LogLine } from '../support/app.js'
import { startIdentityProvider } from '../support/identity-provider.js'
import { Scrape } from '../support/scrape.js'
import { testFolder } from '../support/test-folder.js'
import { testKeyFile } from '../support/test-key-file.js'

/** Five records: with the scope `stats`, statistics of fewer are refused (MIN_RECORDS). */
const files = { ...Object.fromEntries(['1', '2', '3', '4', '5'].map((id) => [`${id}.csv`, csv()])), '1.png': PNG }

/** A request for a route: the path parameters have values of the lake. */
const requestOf = ({ method, url }: RouteOptions): InjectOptions => ({
  method: [method].flat()[0] as 'GET',
  url: url.replace(':user_id', '1').replace(':field', 'img_path').replace(':id', '1').replace('*', 'index.css')
})

t.test('each route that is not public is 401 without valid credentials, and 403 without its scope', async (t) => {
  const provider = await startIdentityProvider(t)
  const routes: RouteOptions[] = []
  const { app } = await build(t, { files, routes, settings: { API_KEYS: ONE_KEY_PER_SCOPE, JWT_ISSUER: provider.issuer, JWT_AUDIENCE: 'userlake' } })
  const expired = await provider.sign({ exp: CLOCK_START / 1000 - 60 })
  const forged = await provider.sign({}, { key: await generateKeyPair('ES256') })
  const wasPublic: string[] = []
  for (const route of routes) {
    const { access } = route.config!
    const request = requestOf(route)
    const name = `${request.method as string} ${route.url}`
    const send = async (headers: Record<string, string>) => await app.inject({ ...request, headers })
    if (access === 'public') wasPublic.push(route.url)
    for (const [credentials, error] of [[{}, ''], [bearer('forged'), ', error="invalid_token"'], [bearer(expired), ', error="invalid_token"'], [bearer(forged), ', error="invalid_token"'], [{ authorization: 'Basic YTpi' }, ', error="invalid_token"']] as const) {
      const { statusCode, headers, body } = await send(credentials)
      if (access === 'public') {
        t.ok(statusCode !== 401, name)
        continue
      }
      t.equal(statusCode, 401, name)
      t.equal(headers['www-authenticate'], `Bearer realm="userlake"${error}`)
      t.equal(headers['content-type'], 'application/problem+json')
      t.equal(headers['data-version'], undefined)
      if (request.method !== 'HEAD') t.match(JSON.parse(body), { title: 'Unauthorized', status: 401, code: 'unauthorized', request_id: String })
    }
    for (const scope of SCOPES) {
      const { statusCode, headers, body } = await send(bearer(keyOf(scope)))
      if (access === 'public' || access === scope || (access === 'stats' && scope === 'read')) {
        t.notOk([401, 403].includes(statusCode), `${name} with ${scope}`)
        continue
      }
      t.equal(statusCode, 403, `${name} with ${scope}`)
      t.equal(headers['www-authenticate'], `Bearer realm="userlake", error="insufficient_scope", scope="${access!}"`)
      if (request.method !== 'HEAD') t.match(JSON.parse(body), { status: 403, code: 'insufficient_scope', detail: `The credentials must have the scope ${access!}` })
    }
  }
  t.ok(routes.length > 30)
  t.same([...new Set(wasPublic.filter((url) => !url.startsWith('/docs')))].sort(), ['/', '/livez', '/openapi.json', '/page/:build/:name', '/readyz', '/startupz'])
})

t.test('the document has the scope of each operation', async (t) => {
  const routes: RouteOptions[] = []
  const { app } = await build(t, { routes })
  const { paths, components } = (await app.inject('/openapi.json')).json()
  t.match(components.securitySchemes, { bearer: { type: 'http', scheme: 'bearer' } })
  let count = 0
  for (const { url, method, config } of routes) {
    const operation = paths[url.replaceAll(/:(\w+)/g, '{$1}')]?.[String([method].flat()[0]).toLowerCase()]
    if (operation === undefined) continue
    t.same(operation.security, config!.access === 'public' ? [] : [{ bearer: [config!.access] }, {}], url)
    count++
  }
  t.ok(count > 15)
})

t.test('a route that does not declare its access makes the start fail', async (t) => {
  const fastify = Fastify()
  await fastify.register(config, { settings: {} })
  await fastify.register(access)
  fastify.get('/open', async () => '')
  await t.rejects(async () => { await fastify.ready() }, { message: 'GET /open declares no access' })
})

t.test('each denied request is one line of the log, without its credentials', async (t) => {
  const log: LogLine[] = []
  const { app } = await build(t, { files, log, settings: { API_KEYS: entryOf('metrics') } })
  const secret = 'Canary-7c1f'
  const denied = () => log.filter(({ msg }) => msg === 'Request denied')
  await app.inject({ url: `/data/1?q=${secret}`, headers: { ...bearer(secret), 'request-id': 'r1' } })
  await app.inject({ url: '/data', headers: bearer(keyOf('metrics')) })
  t.match(denied(), [
    { level: 40, request_id: 'r1', ip: '127.0.0.1', method: 'GET', path: '/data/1', status: 401, code: 'unauthorized' },
    { level: 40, path: '/data', status: 403, code: 'insufficient_scope', client: 'metrics' }
  ])
  t.equal(denied().length, 2)
  t.notMatch(JSON.stringify(log), secret)
  t.notMatch(JSON.stringify(log), keyOf('metrics'))
})

t.test('one client may have several keys, and several scopes', async (t) => {
  const { app } = await build(t, { files, settings: { API_KEYS: `a:read:${entryOf('read').split(':')[2]!} ${entryOf('write', 'stats')}\n` } })
  const send = async (method: 'GET' | 'POST', key: string, scheme = 'Bearer') => (await app.inject({ method, url: '/data', headers: { authorization: `${scheme} ${key}` } })).statusCode
  t.equal(await send('GET', keyOf('read')), 200)
  t.equal(await send('GET', keyOf('read'), 'bearer'), 200)
  t.equal(await send('GET', keyOf('read')), 200, 'a second time')
  t.equal(await send('POST', keyOf('read')), 403)
  t.equal(await send('POST', keyOf('write', 'stats')), 200)
  t.equal(await send('GET', keyOf('write', 'stats')), 403)
})

t.test('malformed entries are not accepted, and no message contains them', async (t) => {
  const hash = entryOf('read').split(':')[2]!
  for (const entry of ['secret', `a:read:${hash}x`, `a:all:${hash}`, `a::${hash}`, `:read:${hash}`, `a b:read:${hash}`, `a:read+:${hash}`, `a:read:${hash}:`]) {
    t.throws(() => new ApiKeys(`# comment, with commas\nfine:read:${hash}\n${entry}`), { message: /^entry [23] is malformed; must be <name>:<scopes>:<hash>/ }, entry)
    const fastify = Fastify()
    await fastify.register(config, { settings: { API_KEYS: entry } })
    const { message } = await fastify.register(access).then(() => new Error('registered'), (error: Error) => error)
    t.match(message, /^API_KEYS: entry 1 is malformed/)
    t.notMatch(message, hash)
    t.notMatch(message, 'secret')
  }
  const key = `userlake_${'s'.repeat(43)}`
  for (const entry of [key, `shop:read:${key}`]) {
    t.throws(() => new ApiKeys(entry), { message: 'entry 1 has the key itself; use the text after "entry:", which userlake key prints below the key' })
  }
  t.same(new ApiKeys(`userlake_:read:${hash}`).find('x'), undefined, 'a name may begin like a key')
})

t.test('the file of API keys is read again when it has changed; while it is malformed or missing, the earlier keys stay valid', async (t) => {
  const log: LogLine[] = []
  const keys = testKeyFile(t, `# keys\n${entryOf('read')}\n`)
  const { app } = await build(t, { files, log, keyFileTimer: keys.timer, settings: { API_KEYS_FILE: keys.path, API_KEYS: `${entryOf('write')},${entryOf('metrics')}` } })
  const status = async (...scopes: readonly Scope[]) => (await app.inject({ url: '/data', headers: bearer(keyOf(...scopes)) })).statusCode
  const warnings = async () => {
    const { body } = await app.inject({ url: '/metrics', headers: bearer(keyOf('metrics')) })
    const { details } = (await app.inject('/readyz')).json()
    t.equal(new Scrape(body).get('userlake_warnings{code="api_keys_not_readable"}') === 1, details.length === 1, 'the metric and /readyz agree')
    return details
  }
  t.equal(await status('read'), 200)
  t.same(await warnings(), [])
  t.equal(await status('read', 'write'), 401)
  await keys.replace(entryOf('read', 'write'))
  t.equal(await status('read'), 401, 'revoked')
  t.equal(await status('read', 'write'), 200)
  t.equal(await status('write'), 403, 'keys of the setting are valid as well')
  await keys.replace('nonsense')
  await keys.replace('nonsense')
  t.equal(await status('read', 'write'), 200)
  t.match(await warnings(), [{ code: 'api_keys_not_readable', detail: /the log has the reason$/ }])
  t.equal(log.filter(({ msg, reason }) => /earlier ones stay valid/.test(msg) && /entry 1 is malformed/.test(reason)).length, 1)
  await keys.remove()
  t.equal(await status('read', 'write'), 200)
  t.match(log.filter(({ msg }) => /earlier ones stay valid/.test(msg)).at(-1), { level: 50, file: keys.path, reason: 'there is no such file' })
  t.match(await warnings(), [{ code: 'api_keys_not_readable' }])
  await keys.replace(entryOf('read', 'write'))
  await keys.replace(entryOf('read', 'write'))
  t.same(await warnings(), [])
  await keys.replace('')
  t.equal(await status('read', 'write'), 401, 'without entries, no key of the file is valid')
  t.match(log.filter((line) => 'keys' in line), [
    { level: 30, msg: 'The API keys have been read', keys: 1 },
    { level: 30, msg: 'The API keys have been read again', keys: 1 },
    { level: 30, msg: 'The API keys have been read again', keys: 1 }, // the end of the failure, although the file is as it was before; only once
    { level: 40, msg: 'The API keys have been read again: the file has none', keys: 0 }
  ])
})

t.test('without credentials, an address that other machines can reach needs ALLOW_ANONYMOUS', async (t) => {
  const start = async (settings: Record<string, string>) => {
    const fastify = Fastify()
    t.teardown(() => fastify.close())
    await fastify.register(config, { settings })
    return await fastify.register(access).then(() => 'starts', ({ name, message }: Error) => `${name}: ${message}`)
  }
  for (const HOST of ['0.0.0.0', '::', '10.0.0.1', 'api.example']) {
    t.match(await start({ HOST }), /^SettingsError: HOST: got ".*", which other machines can reach.*API_KEYS.*ALLOW_ANONYMOUS=true[^\n]*$/, HOST)
    t.equal(await start({ HOST, ALLOW_ANONYMOUS: 'true' }), 'starts')
    t.equal(await start({ HOST, API_KEYS: entryOf('read') }), 'starts')
  }
  for (const HOST of ['127.0.0.1', '127.1.2.3', 'localhost', '::1']) t.equal(await start({ HOST }), 'starts', HOST)
  t.match(await start({ API_KEYS_FILE: '/nowhere/keys' }), 'SettingsError: API_KEYS_FILE: /nowhere/keys: there is no such file')
  t.match(await start({ API_KEYS_FILE: testFolder(t) }), /^SettingsError: API_KEYS_FILE: .*: got a folder; must be a file$/)
})

t.test('the log reports that there are no credentials, as a warning if other machines can reach the port', async (t) => {
  for (const [settings, level] of [[{}, 30], [{ HOST: '0.0.0.0', ALLOW_ANONYMOUS: 'true' }, 40]] as const) {
    const log: LogLine[] = []
    const { app } = await build(t, { log, settings })
    await app.listen({ port: 0, host: '127.0.0.1' })
    t.match(log.filter(({ msg }) => /No credentials are configured/.test(msg)), [{ level }])
  }
})
