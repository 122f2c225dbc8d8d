import type { Schema } from '../../lib/schema/schema.js'
import { Problem } from '../../plugins/problems/problem.js'
import { CsvParameters } from '../../routes/http/csv-parameters.js'
import { listingParameters } from '../../routes/http/listing-parameters.js'
import type { DataQuery } from '../../routes/http/paging.js'
import { PageParameters } from '../../routes/http/paging.js'
import { RESERVED_PARAMETERS } from '../../routes/http/parameters.js'
import { parametersSchema, type Parameters } from '../../routes/http/query.js'
import { UsageError } from '../command.js'

const OPTION = { type: 'string', multiple: true } as const

/** The values of options that may be repeated, by name. */
export type OptionValues = Readonly<Record<string, readonly string[] | undefined>>

export type QueryOptions = Readonly<Record<string, typeof OPTION>>

/** The parameters of GET /data as options of a command. */
export interface QueryParser {
  readonly options: QueryOptions
  /** @throws {UsageError} names each option whose value is not accepted */
  readonly parse: (values: OptionValues) => DataQuery & { readonly limit?: number | undefined }
  /** Runs `work`. @throws {UsageError} instead of a problem of a parameter */
  readonly checked: <T>(work: () => T) => T
}

/** The options of a schema. A parameter with `_` in its name has a second option with `-` in its place; messages name that one, except for columns. */
export function queryParser (schema: Schema): QueryParser {
  const parameters: Parameters = { ...listingParameters(schema), ...CsvParameters, limit: PageParameters.limit }
  const parameterOf = new Map(Object.keys(parameters).map((name) => [name.replaceAll('_', '-'), name]))
  for (const name of Object.keys(parameters)) parameterOf.set(name, name)
  const optionOf = (name: string) => `--${RESERVED_PARAMETERS.includes(name) ? name.replaceAll('_', '-') : name}`
  // Messages of routes name parameters, as in format=csv. Text in quotation marks, such as the value received, stays as it is.
  const names = [...parameterOf.values(), 'format'].filter((name) => RESERVED_PARAMETERS.includes(name))
  const parts = new RegExp(`"(?:[^"\\\\]|\\\\.)*"|(^|[ &])(${names.join('|')})=`, 'g')
  const withOptions = (message: string) => message.replaceAll(parts, (part, before?: string, name?: string) => name === undefined ? part : `${before && ' '}${optionOf(name)}=`)
  const checked = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof Problem) || error.errors === undefined) throw error
      throw new UsageError(error.errors.map(({ parameter, detail }) => `${optionOf(parameter)}: ${withOptions(detail)}`).join('\n'))
    }
  }
  return {
    options: Object.fromEntries([...parameterOf.keys()].map((option) => [option, OPTION])),
    parse: (values) => checked(() => {
      const texts = new Map<string, readonly string[]>()
      for (const [option, given = []] of Object.entries(values)) {
        const name = parameterOf.get(option)!
        texts.set(name, [...texts.get(name) ?? [], ...given])
      }
      const query = Object.fromEntries([...texts].map(([name, given]) => [name, given.length === 1 ? given[0]! : [...given]]))
      return parametersSchema(parameters).parse(query)
    }),
    checked
  }
}
