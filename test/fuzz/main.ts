import { randomInt } from 'node:crypto'
import { HELP_OPTION, parseOptions } from '../../scripts/arguments.js'
import { runCommand, UsageError, type Command } from '../../scripts/command.js'
import { fuzz as runTargets } from './fuzz.js'
import { TARGETS } from './targets.js'

const HELP = `Feeds random and damaged input to the service and its parsers, and compares the results with those of simple reference implementations.
A fault is printed with its smallest case and the command that replays it, and the exit code is then 1.

npm run fuzz -- [options]

  --minutes M    the total duration, divided between the targets (2)
  --runs N       the number of runs of each target, instead of a duration
  --seed S       an integer from 0 to 2147483647: the same seed has the same cases (random)
  --path P       only one case of --seed, as the report of a fault gives it; needs --seed and --only
  --only TARGET  only one of the targets
  --help         print this help

Targets:
${TARGETS.map(({ name, about }) => `  ${name.padEnd(11)}  ${about}`).join('\n')}

Defaults are in parentheses.`

const OPTIONS = {
  ...HELP_OPTION,
  minutes: { type: 'string' },
  runs: { type: 'string' },
  seed: { type: 'string' },
  path: { type: 'string' },
  only: { type: 'string' }
} as const

const fuzz: Command = async (argv, { stdout }) => {
  const { minutes, runs, seed, path, only, help } = parseOptions(argv, OPTIONS)
  if (help) return HELP
  const targets = TARGETS.filter(({ name }) => only === undefined || name === only)
  if (targets.length === 0) throw new UsageError(`--only: got ${JSON.stringify(only)}; must be one of ${TARGETS.map(({ name }) => name).join(', ')}`)
  if (path !== undefined && (seed === undefined || only === undefined)) throw new UsageError('--path: needs --seed and --only')
  if (minutes !== undefined && runs !== undefined) throw new UsageError('--runs: must not be given together with --minutes')
  const failed = await runTargets(targets, {
    seed: parseNumber('seed', seed, { min: 0, max: 0x7fffffff, isInteger: true }) ?? randomInt(0x7fffffff),
    runs: path === undefined ? parseNumber('runs', runs, { min: 1, max: Number.MAX_SAFE_INTEGER, isInteger: true }) : 1,
    minutes: runs === undefined && path === undefined ? (parseNumber('minutes', minutes, { min: 0.01, max: 100_000 }) ?? 2) / targets.length : undefined,
    path
  }, (line) => stdout.write(line + '\n'))
  if (failed.length > 0) throw new Error(`faults in ${failed.join(', ')}`)
  return 'no fault'
}

function parseNumber (name: string, text: string | undefined, { min, max, isInteger = false }: { readonly min: number, readonly max: number, readonly isInteger?: boolean }): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (text.trim() !== '' && value >= min && value <= max && (!isInteger || Number.isInteger(value))) return value
  throw new UsageError(`--${name}: got ${JSON.stringify(text)}; must be ${isInteger ? 'an integer' : 'a number'} from ${min} to ${max}`)
}

process.exit(await runCommand(fuzz, process.argv.slice(2), process))
