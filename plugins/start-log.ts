import fp from 'fastify-plugin'
import { countOf } from '../lib/base/count-of.js'
import { version } from '../lib/base/package-info.js'
import { changedSettings } from './config/changed-settings.js'
import type { Settings } from './config/settings.js'
import { parseAllowedHosts } from './request-checks/host.js'
import { describeSchema, hiddenWarnings } from './schema.js'

/**
 * Logs the version, the lake, the schema and the changed settings, once the server listens; and, once it serves data, how long that took and what it serves.
 * Needs: config, schema, object-store, transformer.
 */
export default fp(async (fastify) => {
  const { transformer, tableSchema, hiddenColumns } = fastify
  fastify.addHook('onListen', async () => {
    const { config, objectStore, listeningOrigin, log } = fastify
    const facts = { version, build: config.BUILD || undefined, node: process.version, lake: objectStore.url, schema: describeSchema(tableSchema, config.SCHEMA, hiddenColumns), settings: changedSettings(config) }
    const place = (path: string) => placeOf(path, listeningOrigin, config)
    log.info(facts, `Userlake ${version} serves ${objectStore.url}; its web page is at ${place('/')}, and its documentation is at ${place('/docs')}`)
  })
  const removeListener = transformer.onReconcile(() => {
    removeListener()
    const { records, unserved } = transformer.holdings()!
    const seconds = Math.round(process.uptime() * 100) / 100
    fastify.log.info({ seconds, records, ...unserved }, `Ready ${seconds} s after the start of the process: ${countOf(records, 'record is', 'records are')} served`)
    // The schema plugin has compared the names with the declared columns.
    const undeclared = transformer.current.columns.filter((column) => !tableSchema.fields.some(({ name }) => name === column))
    for (const warning of hiddenWarnings(hiddenColumns, undeclared)) fastify.log.warn(warning)
  })
}, { name: 'start-log', dependencies: ['config', 'schema', 'object-store', 'transformer'] })

/** The names of these addresses in URLs, at which a browser finds nothing. */
const ALL_ADDRESSES = ['0.0.0.0', '[::]']

/** The URL of a path on the address on which the server listens, or on localhost if it listens on all addresses; or, if ALLOWED_HOSTS refuses that address, the path and an allowed name, whose port is not known. */
function placeOf (path: string, origin: string, { ALLOWED_HOSTS: setting, HOST: listensOn }: Settings): string {
  const names = parseAllowedHosts(setting, listensOn)
  const url = new URL(path, origin)
  if (ALL_ADDRESSES.includes(url.hostname)) url.hostname = 'localhost'
  return names === undefined || names.has(url.hostname) ? url.href : `${path} of ${[...names][0]}`
}
