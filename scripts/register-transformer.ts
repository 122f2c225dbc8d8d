import type { FastifyInstance } from 'fastify'
import { SettingsError } from '../plugins/config.js'
import etagCache from '../plugins/etag-cache.js'
import exchanges from '../plugins/exchanges.js'
import metrics from '../plugins/metrics.js'
import objectStore from '../plugins/object-store.js'
import transformer from '../plugins/transformer.js'

/** Registers the transformer, with what it needs besides the settings and the schema, for a command that writes nothing to the lake. @throws {SettingsError} if the records are in a cluster */
export async function registerTransformer (fastify: FastifyInstance): Promise<void> {
  // The command would commit what it has found to the cluster, and write the manifest to the lake.
  if (fastify.config.ENGINE_URL !== '') throw new SettingsError(`ENGINE_URL: got ${JSON.stringify(fastify.config.ENGINE_URL)}; must be empty for this command, which reads the whole lake into memory; ask the service for records instead (GET /data.csv), and GET /readyz for warnings`)
  await fastify.register(exchanges)
  await fastify.register(metrics)
  await fastify.register(objectStore)
  await fastify.register(etagCache)
  await fastify.register(transformer, { share: false })
}
