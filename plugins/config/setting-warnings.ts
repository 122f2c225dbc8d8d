import { didYouMean, nearest } from '../../lib/base/nearest.js'
import { changedSettings } from './changed-settings.js'
import { SettingsSchema, type Settings } from './settings.js'

const SETTINGS = Object.keys(SettingsSchema.properties)

/** Names in .env and in the environment that belong to other programs: the AWS SDK, Compose, MinIO and compose.yaml. */
const FOREIGN = /^(AWS|COMPOSE|MINIO)_|^USERLAKE_PORT$/

/** Names in the environment are compared with settings only if both have at least this number of characters: short ones, such as POST and PORT, are similar by chance. */
const MIN_COMPARED = 6
const LONG_SETTINGS = SETTINGS.filter((name) => name.length >= MIN_COMPARED)

/** The variables of the AWS SDK that a lake may need. */
const SDK_VARIABLES: readonly string[] = [
  'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE', 'AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE', 'AWS_REGION', 'AWS_DEFAULT_REGION',
  'AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3'
]

/** Names that other programs have for these variables. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY: 'AWS_ACCESS_KEY_ID', AWS_SECRET_KEY: 'AWS_SECRET_ACCESS_KEY', AWS_ENDPOINT: 'AWS_ENDPOINT_URL_S3', AWS_S3_ENDPOINT: 'AWS_ENDPOINT_URL_S3', AWS_S3_ENDPOINT_URL: 'AWS_ENDPOINT_URL_S3'
}

/** The names in .env and in the environment. */
export interface SettingNames { readonly file: readonly string[], readonly environment: readonly string[] }

/** Returns warnings about names that are probably misspelled settings, and about settings that have no effect. */
export function settingWarnings (config: Settings, { file, environment }: SettingNames): string[] {
  return [
    ...unknown(file).map((name) => `.env: ${JSON.stringify(name)} is not a setting` + didYouMean(nearest(name, SETTINGS))),
    ...unknown(environment).filter((name) => !file.includes(name)).flatMap((name) => {
      const similar = similarSetting(name)
      return similar === undefined ? [] : [`environment: ${JSON.stringify(name)} is not a setting` + didYouMean(similar)]
    }),
    ...misspelledForSdk(file, environment),
    ...unusedStore(config),
    ...unusedEngine(config)
  ]
}

function unknown (names: readonly string[]): string[] {
  return names.filter((name) => !SETTINGS.includes(name) && !FOREIGN.test(name))
}

/**
 * The setting that a name in the environment was probably meant to be. The environment has names of other programs, so fewer typing errors
 * are accepted than in .env: one, or two in a name of ten characters or more.
 */
function similarSetting (name: string): string | undefined {
  return name.length < MIN_COMPARED ? undefined : nearest(name, LONG_SETTINGS, name.length < 10 ? 1 : 2)
}

/** Names that are similar to a variable of the AWS SDK which is not set. Those of the endpoints of other services, such as AWS_ENDPOINT_URL_STS, are similar to each other. */
function misspelledForSdk (file: readonly string[], environment: readonly string[]): string[] {
  const names = [...new Set([...file, ...environment])]
  return names.filter((name) => name.startsWith('AWS_') && !name.startsWith('AWS_ENDPOINT_URL_') && !SDK_VARIABLES.includes(name)).flatMap((name) => {
    const meant = OTHER_NAMES[name] ?? nearest(name, SDK_VARIABLES, 2)
    return meant === undefined || names.includes(meant) ? [] : [`${file.includes(name) ? '.env' : 'environment'}: ${JSON.stringify(name)} is not a variable of the AWS SDK` + didYouMean(meant)]
  })
}

/** S3 settings have no effect on the embedded lake: LAKE_URL was probably forgotten. */
function unusedStore (config: Settings): string[] {
  if (config.LAKE_URL !== '') return []
  const name = (['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL', 'AWS_REGION'] as const).find((name) => config[name] !== '')
  return name === undefined ? [] : [`LAKE_URL is not set although ${name} is: the embedded lake in ./lake is served; LAKE_URL=s3://<bucket> names a bucket`]
}

/** The other settings of the engine have no effect without ENGINE_URL, which was probably forgotten. */
function unusedEngine (config: Settings): string[] {
  if (config.ENGINE_URL !== '') return []
  const changed = changedSettings(config)
  const name = ['ENGINE_CLUSTER', 'ENGINE_DATABASE', 'ENGINE_USER', 'ENGINE_PASSWORD'].find((name) => name in changed)
  return name === undefined ? [] : [`ENGINE_URL is not set although ${name} is: the records are in the memory of this process; ENGINE_URL=http://<node>:8123 names a cluster`]
}
