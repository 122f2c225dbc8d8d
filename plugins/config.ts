import env from '@fastify/env'
import type { Ajv, ErrorObject } from 'ajv'
import fp from 'fastify-plugin'
import { isTimeZone } from '../lib/base/calendar.js'
import { delimiterHint, parseDelimiter } from '../lib/base/delimiter.js'
import { parseDuration } from '../lib/base/duration.js'
import { readEnvFile } from '../lib/base/env-file.js'
import { INFO_FORMATS } from '../lib/base/info-formats.js'
import { parseShare } from '../lib/base/large-loss.js'
import { parseSize } from '../lib/base/size.js'
import type { OutputFormat } from '../lib/output/output.js'
import { isLakeUrl, lakeUrlHint } from '../lib/store/open-store.js'
import { replaceUserInfo } from './config/changed-settings.js'
import { SettingsSchema, type Settings } from './config/settings.js'
import { isEngineUrls } from './config/engine.js'
import { isProviderUrl } from './access/provider-url.js'
import { isOrigins } from './cors.js'
import { isAllowedHosts } from './request-checks/host.js'
import { settingWarnings } from './config/setting-warnings.js'

declare module 'fastify' {
  interface FastifyInstance {
    readonly config: Settings
  }
}

export interface ConfigOptions {
  /** The settings by name. Default: the environment and, for names that it does not have, the file .env. */
  readonly settings?: Readonly<Record<string, string | undefined>> | undefined
  /** The names in the environment, which are compared with those of the settings. Default: none. */
  readonly environmentNames?: readonly string[] | undefined
}

/** The longest duration of a setting that a timer waits for: 24 days in milliseconds. A timer of Node with a delay of more than 24.8 days fires at once. */
const MAX_DURATION_MS = 24 * 86_400_000

/** The formats of settings that a pattern cannot express. */
const FORMATS: Readonly<Record<string, (value: string) => boolean>> = {
  duration: (value) => (parseDuration(value) ?? Infinity) <= MAX_DURATION_MS,
  'duration-or-unlimited': (value) => value === 'unlimited' || parseDuration(value) !== undefined,
  interval: (value) => {
    const ms = parseDuration(value)
    return ms !== undefined && ms >= 1000 && ms <= 3_600_000
  },
  share: (value) => parseShare(value) !== undefined,
  'size-or-auto': (value) => value === 'auto' || parseSize(value) !== undefined,
  prefix: (value) => value === '' || (value.endsWith('/') && isPath(value.slice(0, -1))),
  key: isPath,
  'image-extensions': (value) => /^[A-Za-z0-9]+(,[A-Za-z0-9]+)*$/.test(value) && !toExtensions(value).some((extension) => (INFO_FORMATS as readonly string[]).includes(extension)),
  'time-zone': isTimeZone,
  'host-list': isAllowedHosts,
  'origin-list': isOrigins,
  'provider-url': (value) => value === '' || isProviderUrl(value),
  'lake-url': (value) => value === '' || isLakeUrl(value),
  'endpoint-url': (value) => value === '' || (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)),
  'engine-urls': (value) => value === '' || isEngineUrls(value),
  delimiter: (value) => parseDelimiter(value) !== undefined,
  'column-list': (value) => {
    const columns = toColumns(value) ?? []
    return !columns.includes('') && new Set(columns).size === columns.length
  }
}

/** What to do about a text that these formats do not accept, as the end of the message: empty if it is not a known mistake. */
const HINTS: Readonly<Record<string, (value: string) => string>> = {
  'lake-url': lakeUrlHint,
  delimiter: delimiterHint,
  prefix: (value) => isPath(value) ? `; use ${value}/` : ''
}

/** One or more settings are invalid. The message has one line for each: its name, the value received and what is accepted. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
}

/** Decorates the instance with its validated settings. */
export default fp<ConfigOptions>(async (fastify, { settings, environmentNames = [] }) => {
  try {
    await fastify.register(env, {
      schema: SettingsSchema,
      dotenv: settings === undefined,
      env: settings === undefined,
      data: settings ?? {},
      ajv: {
        customOptions: (ajv: Ajv) => {
          ajv.opts.verbose = true
          for (const keyword of ['accepted', 'isSecret']) ajv.addKeyword(keyword) // not rules: settings.ts defines them
          for (const [name, check] of Object.entries(FORMATS)) ajv.addFormat(name, check)
          return ajv
        }
      }
    })
  } catch (error) {
    const errors = (error as { errors?: ErrorObject[] }).errors
    throw errors === undefined ? error : new SettingsError(errors.map(formatSettingError).join('\n'))
  }
  if (settings === undefined) {
    const names = { file: Object.keys(readEnvFile('.env')), environment: environmentNames }
    for (const warning of settingWarnings(fastify.config, names)) fastify.log.warn(warning)
  }
}, { name: 'config' })

function formatSettingError ({ instancePath, data, parentSchema }: ErrorObject): string {
  // A URL may contain a password.
  return `${instancePath.slice(1)}: got ${JSON.stringify(replaceUserInfo(String(data), '…@'))}; must be ${String(parentSchema?.['accepted'])}${HINTS[String(parentSchema?.['format'])]?.(String(data)) ?? ''}`
}

/** Whether this is a valid object key in every store. */
function isPath (key: string): boolean {
  return key.split('/').every((segment) => !['', '.', '..'].includes(segment)) && Buffer.byteLength(key) <= 512
}

/** Parses a setting that is a list of columns. Returns `undefined` if it is empty. */
export function toColumns (list: string): string[] | undefined {
  return list === '' ? undefined : list.split(',')
}

/** Parses a setting that is a list of extensions. Returns them in lower case. */
export function toExtensions (list: string): string[] {
  return list.toLowerCase().split(',')
}

/** Parses OUTPUT_FORMATS. */
export function toFormats (list: string): OutputFormat[] {
  return list.split(',') as OutputFormat[]
}
