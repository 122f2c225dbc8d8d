import { didYouMean, nearest } from '../../lib/base/nearest.js'
import { SettingsSchema } from './settings.js'

/** Names that other programs read from the file .env: the AWS SDK, Compose, and compose.yaml. */
const FOREIGN = /^(AWS|COMPOSE|MINIO)_|^USERLAKE_PORT$/

/** One line for each name in .env that is not a setting, with the most similar setting. */
export function unknownSettings (names: readonly string[]): string[] {
  const settings = Object.keys(SettingsSchema.properties)
  return names.filter((name) => !settings.includes(name) && !FOREIGN.test(name)).map((name) =>
    `.env: ${JSON.stringify(name)} is not a setting` + didYouMean(nearest(name, settings)))
}
