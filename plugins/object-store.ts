import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fp from 'fastify-plugin'
import { fillEmbeddedLake } from '../lib/store/embedded-lake.js'
import type { ObjectStore } from '../lib/store/object-store.js'
import { openStore } from '../lib/store/open-store.js'
import { SettingsError } from './config.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The store of the lake: a bucket of an S3-compatible server, or a folder. */
    readonly objectStore: ObjectStore
  }
}

export interface ObjectStoreOptions {
  /** Used instead of the store that LAKE_URL names. It is closed with the instance. */
  readonly store?: ObjectStore | undefined
}

/** The folder of the embedded lake, in the working directory. */
export const EMBEDDED_LAKE = 'lake'

/** Decorates the instance with the store that LAKE_URL names, and closes it. Needs: config. @throws {SettingsError} */
export default fp<ObjectStoreOptions>(async (fastify, { store }) => {
  const { config } = fastify
  const { LAKE_URL: url, SOURCE_PREFIX: prefix, SCHEMA: schema } = config
  if (store === undefined && url === '') {
    if (schema !== '' && !existsSync(EMBEDDED_LAKE)) {
      throw new SettingsError(`LAKE_URL: got ""; must be s3://<bucket> or file:<folder> if SCHEMA is set, because the sample data does not have the columns of ${schema}`)
    }
    const from = join(dirname(fileURLToPath(import.meta.resolve('#package.json'))), 'seed-data')
    const isNew = await fillEmbeddedLake({ lake: EMBEDDED_LAKE, from, prefix })
    if (isNew) fastify.log.info(`Sample data is in the new folder ./${EMBEDDED_LAKE}`)
  }
  const objectStore = store ?? openStore({ url: url || `file:./${EMBEDDED_LAKE}`, env: config, maxDownloads: config.MAX_DOWNLOADS })
  fastify.decorate('objectStore', objectStore)
  fastify.addHook('onClose', () => objectStore.close())
}, { name: 'object-store', dependencies: ['config'] })
