import { createRequire } from 'node:module'
import type { SchemaDescriptor } from './descriptor.js'

/** The default schema: schemas/users.json of this package. */
export const USERS_SCHEMA = createRequire(import.meta.url)('#schemas/users.json') as SchemaDescriptor
