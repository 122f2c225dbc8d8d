import { parseArgs, type ParseArgsConfig } from 'node:util'
import { DEFAULTS } from '../lib/base/defaults.js'
import { didYouMean, nearest } from '../lib/base/nearest.js'
import { isLakeUrl, lakeUrlHint } from '../lib/store/open-store.js'
import { UnknownOptionError, UsageError, type CommandIo } from './command.js'

/** The option that every command has. */
export const HELP_OPTION = { help: { type: 'boolean', short: 'h', default: false } } as const

type Options = NonNullable<ParseArgsConfig['options']>

/** Names that other programs give to options. */
const OTHER_NAMES: Readonly<Record<string, string>> = { fields: 'columns', file: 'output', filter: 'where', filters: 'where', out: 'output', select: 'columns' }

/** Parses the options of a command, which takes no other arguments. @throws UsageError; UnknownOptionError names the option, with the most similar one */
export function parseOptions<const T extends Options> (argv: readonly string[], options: T) {
  const args = [...argv]
  const { tokens } = parseArgs({ args, options, strict: false, tokens: true })
  const at = tokens.findIndex((token) => token.kind === 'option' && !Object.hasOwn(options, token.name))
  const [unknown, next] = [tokens[at], tokens[at + 1]]
  if (unknown?.kind === 'option') {
    const other = OTHER_NAMES[unknown.name]
    const similar = other !== undefined && Object.hasOwn(options, other) ? other : nearest(unknown.name, Object.keys(options))
    throw new UnknownOptionError(unknown, similar === undefined ? '; see --help' : didYouMean(`--${similar}`), unknown.value ?? (next?.kind === 'positional' ? next.value : undefined))
  }
  for (const token of tokens) if (token.kind === 'option') checkValue(token, options)
  const extra = tokens.find((token) => token.kind === 'positional')
  if (extra !== undefined) throw new UsageError(`unexpected argument '${extra.value}'; the command takes options only${Object.hasOwn(options, 'lake') ? ', such as --lake file:folder' : ''}; see --help`)
  try {
    return parseArgs({ args, options }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** Parses the options that decide which other options there are. Ignores unknown ones: each of these takes a value. @throws UsageError */
export function parseKnownOptions<const T extends Options> (argv: readonly string[], options: T) {
  const args = [...argv]
  const { values, tokens } = parseArgs({ args, options, strict: false, tokens: true })
  const given = tokens.filter((token) => token.kind === 'option').filter(({ name }) => Object.hasOwn(options, name))
  for (const token of given) if (token.rawName.startsWith('--')) checkValue(token, options)
  // In `--sort -height` and `--sort -h`, -h is no option.
  const isValue = (index: number) => argv[index] !== '-h' || /^--[^=]+$/.test(argv[index - 1] ?? '')
  return { ...values, help: given.some(({ name, rawName, index }) => name === 'help' && (rawName === '--help' || !isValue(index))) }
}

interface OptionToken { readonly name: string, readonly rawName: string, readonly value: string | undefined, readonly inlineValue: boolean | undefined }

/** Checks that an option that takes a value has one, and that a value in an argument of its own does not begin with `-`. `parseArgs` checks the same, with messages of its own. @throws UsageError */
function checkValue ({ name, rawName, value, inlineValue }: OptionToken, options: Options): void {
  if (options[name]!.type !== 'string') return
  const isOption = inlineValue === false && value!.startsWith('--') && Object.hasOwn(options, value!.slice(2).split('=', 1)[0]!)
  if (value === undefined || isOption) throw new UsageError(`${rawName} needs a value; see --help`)
  if (inlineValue === false && /^-./.test(value)) throw new UsageError(`${rawName}: got '${value}'; a value that begins with - is written ${rawName.startsWith('--') ? `${rawName}=` : rawName}${value}`)
}

/** Returns the value of a required argument. @throws UsageError if it is missing */
export function required (name: string, value: string | undefined): string {
  if (value === undefined || value === '') throw new UsageError(`${name} is missing; see --help`)
  return value
}

/** The message of a command that reads a lake, if neither its option nor its setting names one. */
export const NO_LAKE = '--lake is missing, and LAKE_URL is not set; see --help'

/** Returns the lake and the prefix that a command reads: those of --lake and --prefix, or else of LAKE_URL and SOURCE_PREFIX. @throws UsageError names the option or the setting */
export function sourceOf ({ lake, prefix }: { readonly lake?: string | undefined, readonly prefix?: string | undefined }, env: CommandIo['env']): { readonly url: string, readonly prefix: string } {
  const url = lake ?? env['LAKE_URL']
  if (url === undefined || (lake === undefined && url === '')) throw new UsageError(NO_LAKE)
  return {
    url: lakeUrl(lake === undefined ? 'LAKE_URL' : '--lake', url),
    prefix: folderPrefix(prefix === undefined ? 'SOURCE_PREFIX' : '--prefix', prefix ?? env['SOURCE_PREFIX'] ?? DEFAULTS.sourcePrefix)
  }
}

/** Parses a whole number from `min` to `max`, both inclusive. @throws UsageError */
export function wholeNumber (name: string, value: string, min: number, max: number): number {
  if (/^\d+$/.test(value) && Number(value) >= min && Number(value) <= max) return Number(value)
  throw new UsageError(`${name}: got '${value}'; must be an integer from ${min} to ${max}`)
}

/** Parses a decimal number from 0 to 1. @throws UsageError */
export function share (name: string, value: string): number {
  if (/^\d+(\.\d+)?$/.test(value) && Number(value) <= 1) return Number(value)
  throw new UsageError(`${name}: got '${value}'; must be a number from 0 to 1`)
}

/** Checks a prefix of object keys: empty, or ending in a slash. @throws UsageError */
export function folderPrefix (name: string, value: string): string {
  if (value === '' || value.endsWith('/')) return value
  throw new UsageError(`${name}: got '${value}'; must be empty or end in /; use ${value.replace(/^\/+/, '')}/`)
}

/** Checks the URL of a lake. @throws UsageError */
export function lakeUrl (name: string, value: string): string {
  if (isLakeUrl(value)) return value
  throw new UsageError(`${name}: got '${value}'; must be s3://<bucket> or file:<folder>${lakeUrlHint(value)}`)
}

/** The settings of a command that has --lake, --schema and --prefix: those of the environment, with these options in their place. Values of other types count as missing. @throws UsageError */
export function lakeSettings (env: CommandIo['env'], { lake, schema, prefix }: { readonly lake?: unknown, readonly schema?: unknown, readonly prefix?: unknown }): CommandIo['env'] {
  return {
    ...env,
    ...typeof lake === 'string' && { LAKE_URL: lakeUrl('--lake', lake) },
    ...typeof schema === 'string' && { SCHEMA: schema },
    ...typeof prefix === 'string' && { SOURCE_PREFIX: folderPrefix('--prefix', prefix) }
  }
}
