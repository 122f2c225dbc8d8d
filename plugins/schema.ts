import fp from 'fastify-plugin'
import { countOf } from '../lib/base/count-of.js'
import { DEFAULTS } from '../lib/base/defaults.js'
import { didYouMean, nearest } from '../lib/base/nearest.js'
import { readTextFile } from '../lib/base/read-text-file.js'
import type { SchemaDescriptor } from '../lib/schema/descriptor.js'
import { compileSchema, parseSchema, SchemaError, type Schema } from '../lib/schema/schema.js'
import { USERS_SCHEMA } from '../lib/schema/users-schema.js'
import type { HiddenColumns } from '../lib/source/rules.js'
import { SettingsError, toColumns, toExtensions } from './config.js'
import type { Settings } from './config/settings.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The declared columns, without those that are hidden. */
    readonly tableSchema: Schema
    /** The columns of COLUMNS_HIDDEN; `undefined` if that setting is empty. */
    readonly hiddenColumns: HiddenColumns | undefined
  }
}

export interface SchemaOptions {
  /** Used instead of the file that the setting SCHEMA names. */
  readonly schema?: SchemaDescriptor | undefined
}

/** Decorates the instance with the schema of the settings. Needs: config. @throws {SettingsError} has one line for each mistake */
export default fp<SchemaOptions>(async (fastify, { schema }) => {
  const { SCHEMA: path } = fastify.config
  const load = async () => path === '' ? compileSchema(USERS_SCHEMA) : parse(await readSchema(path), path)
  const declared = schema === undefined ? await load() : parse(JSON.stringify(schema), '')
  const names = toColumns(fastify.config.COLUMNS_HIDDEN)
  fastify.decorate('hiddenColumns', names && { schema: declared.descriptor, names })
  fastify.decorate('tableSchema', names === undefined ? declared : withoutHidden(declared, names))
  for (const warning of schemaWarnings(fastify.tableSchema, fastify.config)) fastify.log.warn(warning)
  for (const warning of hiddenWarnings(fastify.hiddenColumns, declared.fields.map(({ name }) => name))) fastify.log.warn(warning)
}, { name: 'schema', dependencies: ['config'] })

/** Warnings about names of COLUMNS_HIDDEN that are probably misspelt: they are similar to one of these columns. */
export function hiddenWarnings (hidden: HiddenColumns | undefined, columns: readonly string[]): string[] {
  const declared = hidden?.schema.fields.map(({ name }) => name) ?? []
  return (hidden?.names ?? []).filter((name) => !declared.includes(name)).flatMap((name) => {
    const similar = nearest(name, columns)
    return similar === undefined || similar === name ? [] : [`COLUMNS_HIDDEN: ${JSON.stringify(name)} is not a declared column; undeclared columns of this name are hidden` + didYouMean(similar)]
  })
}

/** Warnings about image fields whose objects are probably not images: their keys are values of the records, but their content is not served. */
export function schemaWarnings ({ imageFields }: Pick<Schema, 'imageFields'>, { IMAGE_EXTENSIONS }: Pick<Settings, 'IMAGE_EXTENSIONS'>): string[] {
  const served: readonly string[] = DEFAULTS.imageExtensions
  return imageFields.flatMap(({ name, extensions = toExtensions(IMAGE_EXTENSIONS) }) => {
    const others = extensions.filter((extension) => !served.includes(extension.slice(extension.lastIndexOf('.') + 1)))
    return others.length === 0 ? [] : [`The image field ${JSON.stringify(name)} has objects with the extension ${others.join(' or ')}: their keys are in the records, but the service serves the content of images only (${served.join(', ')})`]
  })
}

/** The schema without the hidden columns. @throws {SettingsError} */
function withoutHidden ({ descriptor, key, fields }: Schema, names: readonly string[]): Schema {
  const refuse = (reason: string) => new SettingsError(`COLUMNS_HIDDEN: got ${JSON.stringify(names.join(','))}; must not contain ${reason}`)
  if (names.includes(key.name)) throw refuse(`${key.name}, which is the key of the records`)
  for (const { name, headers } of fields) {
    // Hiding this name would have no effect: in files, it is the header of a declared column, which is hidden by the name of its field only.
    const header = headers.find((header) => names.includes(header) && !fields.some((field) => field.name === header))
    if (header !== undefined) throw refuse(`${header}, which is the name of ${name} in files; its name here is ${name}`)
  }
  return compileSchema({ ...descriptor, fields: descriptor.fields.filter(({ name }) => !names.includes(name)) })
}

async function readSchema (path: string): Promise<string> {
  try {
    return await readTextFile(path)
  } catch (error) {
    throw toSettingsError(path, [(error as Error).message])
  }
}

function parse (json: string, path: string): Schema {
  try {
    return parseSchema(json)
  } catch (error) {
    throw error instanceof SchemaError ? toSettingsError(path, error.message.split('\n')) : error
  }
}

/** The error of the setting SCHEMA, with one line per mistake. `path` is empty if the schema does not come from a file. */
function toSettingsError (path: string, mistakes: readonly string[]): SettingsError {
  return new SettingsError(mistakes.map((mistake) => ['SCHEMA', ...path === '' ? [] : [path], mistake].join(': ')).join('\n'))
}

/** Describes a schema in one line, for the log and for `userlake check`: its title, where it comes from, and the columns with a special role. */
export function describeSchema ({ descriptor, fields, key, birth, imageFields }: Schema, path: string, hidden?: HiddenColumns): string {
  // Without its hidden columns, the built-in schema is another object.
  const source = path || ((hidden?.schema ?? descriptor) === USERS_SCHEMA ? 'built in' : 'given')
  const title = descriptor.title === undefined ? source : `${descriptor.title} (${source})`
  const roles = [
    `key ${key.name}`,
    birth === undefined ? 'no ages' : `ages from ${birth.name}`,
    imageFields.length === 0 ? 'no images' : `images ${imageFields.map(({ name }) => name).join(' and ')}`
  ]
  return `${title}, ${countOf(fields.length, 'column')}: ${roles.join(', ')}`
}
