import { HELP_OPTION, lakeSettings, parseKnownOptions, parseOptions } from './arguments.js'
import { runCommand, type Command, type CommandIo } from './command.js'

const HELP = `Writes the records of a lake, as GET /data would return them now, to a file or stdout. Reads the lake itself, needs no service, and writes nothing to the lake.

userlake export [options] [filters]

  --lake URL            s3://bucket or file:folder (LAKE_URL, or else the folder ./lake)
  --schema FILE         the schema file (SCHEMA, or else that of users)
  --prefix PREFIX       prefix of the keys of info files, ending in / (SOURCE_PREFIX)
  -o, --output FILE     the file, which is replaced once the new one is complete; without it, the records are written to stdout
  --format FORMAT       json, ndjson, csv or parquet (the extension of --output; json without an extension)
  --columns LIST        the columns, in this order, separated by commas; * for all
  --sort LIST           the columns to sort by, separated by commas; - before a column reverses its order: --sort=-age,user_id
  --limit N             at most N records, from 1 to 10000
  --bom true, --delimiter TEXT, --escape-formulas true
                        options of CSV
  -h, --help            print this help

Filters, combined with AND; they are the parameters of GET /data, and docs/api.md describes them:

  --where CONDITION     such as 'age>=30', 'city=Oslo', 'city~os' or '!city'; may be repeated
  --COLUMN VALUE        a declared column by its name, such as --first_name 'an*'; may be repeated to select any of several values
  --q WORDS             words that are contained in the key or in a text column
  --min-age N, --max-age N, --age-basis completed|exact, --as-of TIME
                        if the schema has a birth field
  --image-exists true|false (or --is-image-exists)
                        if the schema has an image field

Defaults are in parentheses. Other settings, such as INPUT_DELIMITER, COLUMNS_HIDDEN and those of S3, are environment variables, or lines of a file .env in the working
directory. The exit code is 1, and nothing is written, if nothing in the lake becomes a record; filters that select no record are no failure. It is 3 if
the records were written but may differ from the lake, because an info file could not be read or the last good record of a rejected one was written.`

const OPTIONS = {
  lake: { type: 'string' },
  schema: { type: 'string' },
  prefix: { type: 'string' },
  output: { type: 'string', short: 'o' },
  format: { type: 'string' },
  ...HELP_OPTION
} as const

const exportCommand: Command = async (argv, io) => {
  // The schema, which some of these options name, decides which other options there are.
  const early = parseKnownOptions(argv, OPTIONS)
  if (early.help) return HELP
  const settings = lakeSettings(io.env, early)
  const { exportRecords } = await import('./export/export-records.js')
  return await exportRecords(settings, (filters) => {
    const { lake, schema, prefix, help, output, format, ...values } = parseOptions(argv, { ...filters, ...OPTIONS })
    return { output, format, values }
  }, io)
}

/** Runs the command. Returns the exit code. */
export function main (argv: readonly string[], io: CommandIo): Promise<number> {
  return runCommand(exportCommand, argv, io, 'export')
}
