/** The options that stand for a setting. */
export const OPTION_OF_SETTING = { LAKE_URL: '--lake', SCHEMA: '--schema', SOURCE_PREFIX: '--prefix', OUTPUT_KEY: '--output-key' } as const

/** A setting with its value, as a shell accepts it before a command. */
export function assign (setting: string, value: string): string {
  return `${setting}=${/^[\w./:,-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`}`
}

/** A setting with its value, as a line of a file .env. There, only other quotes can contain a quote. */
export function envLine (setting: string, value: string): string {
  return value.includes("'") ? `${setting}="${value}"` : assign(setting, value)
}

/**
 * Returns a message about settings with the option in place of each setting that this command line gives by an option. A name in quotation marks or in a path is a value, and stays. A command with --lake has
 * --prefix, too: if only --lake is given, advice about the prefix names the option, and a mistake in the setting (`SOURCE_PREFIX: got`) the setting.
 */
export function nameOptions (message: string, argv: readonly string[]): string {
  const isGiven = (option: string) => argv.some((argument) => argument === option || argument.startsWith(`${option}=`))
  return Object.entries(OPTION_OF_SETTING).reduce((text, [setting, option]) => {
    if (!isGiven(option) && !(option === '--prefix' && isGiven('--lake'))) return text
    return text.replaceAll(new RegExp(`(?<![\\w"'/.-])${setting}(?![\\w"'/-]|\\.\\w${isGiven(option) ? '' : '|:'})`, 'g'), option)
  }, message)
}
