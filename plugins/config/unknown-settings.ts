import { didYouMean, nearest } from '../../lib/base/nearest.js'
import { SettingsSchema } from './settings.js'

/** Names in .env that are not settings of Userlake: those of the AWS SDK, of Compose and of compose.yaml. */
const FOREIGN = /^(AWS|COMPOSE|MINIO)_|^USERLAKE_PORT$/

/** Returns a warning for each name in .env that is not a setting, with the most similar setting if there is one. */
export function unknownSettings (names: readonly string[]): string[] {
  const settings = Object.keys(SettingsSchema.properties)
  return names.filter((name) => !settings.includes(name) && !FOREIGN.test(name)).map((name) =>
    `.env: ${JSON.stringify(name)} is not a setting` + didYouMean(nearest(name, settings)))
}
