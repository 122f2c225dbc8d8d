import { SettingsSchema } from '../plugins/config/settings.js'
import { UsageError, type UnknownOptionError } from './command.js'
import { assign, OPTION_OF_SETTING } from './option-names.js'

/** The commands for which every setting is valid. */
const COMMANDS_WITH_SETTINGS = ['start', 'check', 'export']

/** Settings by the options that other commands have for them, without hyphens. */
const SETTING_OF_OPTION = Object.fromEntries(Object.entries(OPTION_OF_SETTING).map(([setting, option]) => [option.slice(2), setting]))

/** Returns an error that shows how the setting is given, if the unknown option has the name of a setting and the command reads it; otherwise the same error. */
export function adviseSetting (error: UnknownOptionError, command: string): UsageError {
  const { option, value } = error
  const setting = SETTING_OF_OPTION[option] ?? option.toUpperCase().replaceAll('-', '_')
  const definition = Object.entries(SettingsSchema.properties).find(([name]) => name === setting)?.[1]
  if (definition === undefined || !COMMANDS_WITH_SETTINGS.includes(command)) return error
  // The message may be kept in a log.
  const assignment = value === undefined || 'isSecret' in definition ? `${setting}=...` : assign(setting, value)
  return new UsageError(`unknown option --${option}; settings are environment variables: ${assignment} userlake ${command}`)
}
