import { HELP_OPTION, parseOptions } from '../../scripts/arguments.js'
import { UsageError } from '../../scripts/command.js'
import { personAt } from '../../scripts/sample-data/person.js'
import type { S3Bucket } from '../support/s3-bucket.js'
import { lakeObjects } from '../../bench/lake-objects.js'

const OPTIONS = { ...HELP_OPTION, short: { type: 'boolean', default: false } } as const

/** Parses the command line of a lab program: whether `--short` is given. `--help` prints the help and ends the process, and so does an option that is not accepted. */
export function parseIsShort (help: string): boolean {
  try {
    const { short, help: isHelp } = parseOptions(process.argv.slice(2), OPTIONS)
    if (!isHelp) return short
    process.stdout.write(help)
    return process.exit()
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`${error.message}\n`)
    return process.exit(error.exitCode)
  }
}

export function print (line: string): void {
  process.stdout.write(line + '\n')
}

/** Prints the failures, at most 20 of them, and ends the process: with exit code 1 if there are any. */
export function finish (failures: readonly string[]): never {
  for (const failure of failures.slice(0, 20)) print(`failed: ${failure}`)
  print(failures.length === 0 ? 'passed' : `${failures.length} failures`)
  process.exit(failures.length === 0 ? 0 : 1)
}

/** Fills a bucket with a lake of generated users. */
export function fill (bucket: S3Bucket, records: number): void {
  for (const [key, body] of lakeObjects(records)) bucket.put(key, body)
}

/** The id of a record of a lake that `fill` has made. */
export function idAt (record: number): string {
  return personAt(1, record).id
}

/** The key of the info file of a record of a lake that `fill` has made. */
export function keyAt (record: number): string {
  return `source_data/${idAt(record)}.csv`
}

/** The value below which this share of the values lies. */
export function percentile (values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? NaN
}
