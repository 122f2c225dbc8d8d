import { beginningOfText } from '../base/utf8.js'

/** A value that is bound to a parameter of this ClickHouse type. */
interface Parameter { readonly type: string, readonly value: unknown }

/** A piece of SQL with the values of its parameters: `texts` has one more element than `parameters`, which are between them. */
export interface Sql { readonly texts: readonly string[], readonly parameters: readonly Parameter[] }

/** Composes SQL of other pieces. Values come in by `parameter`, `number`, `text` and `isOneOf` only, and names by `identifier`. */
export function sql (strings: TemplateStringsArray, ...pieces: readonly Sql[]): Sql {
  const texts = [strings[0]!]
  const parameters: Parameter[] = []
  pieces.forEach((piece, i) => {
    texts.push(texts.pop()! + piece.texts[0]!, ...piece.texts.slice(1))
    texts.push(texts.pop()! + strings[i + 1]!)
    parameters.push(...piece.parameters)
  })
  return { texts, parameters }
}

/** Joins pieces by a separator, which is SQL. */
export function join (pieces: readonly Sql[], separator: string): Sql {
  const between = raw(separator)
  return pieces.reduce((joined, piece, i) => i === 0 ? piece : sql`${joined}${between}${piece}`, raw(''))
}

/** SQL that is not made of values, names or input of any kind. */
export function raw (text: string): Sql {
  return { texts: [text], parameters: [] }
}

/** The name of a column, table or database. */
export function identifier (name: string): Sql {
  return raw(quoteName(name))
}

/** A name in backquotes. */
export function quoteName (name: string): string {
  return '`' + name.replace(/[\\`]/g, '\\$&') + '`'
}

/** @param type a type of ClickHouse, such as `Array(Float64)` */
export function parameter (value: unknown, type: string): Sql {
  return { texts: ['', ''], parameters: [{ type, value }] }
}

/** A number: as an integer if it is one, so that integers are compared as such. ClickHouse compares an integer with a double exactly. */
export function number (value: number): Sql {
  return parameter(value, Number.isSafeInteger(value) ? 'Int64' : 'Float64')
}

/** UTF-16 code units of text in one parameter: ClickHouse accepts fields of at most 128 KiB, and each unit takes at most three bytes. */
const MAX_PARAMETER_LENGTH = 30_000

/** A text of any length. */
export function text (value: string): Sql {
  if (value.length <= MAX_PARAMETER_LENGTH) return parameter(value, 'String')
  const pieces: Sql[] = []
  for (let from = 0; from < value.length;) {
    const piece = beginningOfText(value.slice(from), MAX_PARAMETER_LENGTH)
    pieces.push(parameter(piece, 'String'))
    from += piece.length
  }
  return sql`concat(${join(pieces, ', ')})`
}

/** The condition that an expression has one of these values, which are of this type. They are bound in as many parameters as needed. */
export function isOneOf (expression: Sql, values: readonly (string | number)[], type: 'String' | 'Int64' | 'Float64' | 'UInt8'): Sql {
  const isLong = (value: string | number) => String(value).length > MAX_PARAMETER_LENGTH
  const conditions = [
    ...chunksOf(values.filter((value) => !isLong(value)), (value) => String(value).length).map((some) => sql`${expression} IN ${parameter(some, `Array(${type})`)}`),
    ...values.filter(isLong).map((value) => sql`${expression} = ${text(String(value))}`)
  ]
  return conditions.length === 0 ? raw('0') : sql`(${join(conditions, ' OR ')})`
}

/** The quotes and the comma of an element of an array, and the escape of some of its characters. */
const ELEMENT_OVERHEAD = 4

/** Splits values into chunks, each of which fits into one parameter as an array. `lengthOf`: of a value, in UTF-16 code units. */
export function chunksOf<T> (values: readonly T[], lengthOf: (value: T) => number): T[][] {
  const chunks: T[][] = []
  let length = Infinity
  for (const value of values) {
    const added = lengthOf(value) + ELEMENT_OVERHEAD
    if (length + added > MAX_PARAMETER_LENGTH) {
      chunks.push([])
      length = 0
    }
    chunks.at(-1)!.push(value)
    length += added
  }
  return chunks
}

/** The text of a query, in which each parameter has a name, and the values by these names. */
export function render ({ texts, parameters }: Sql): { readonly query: string, readonly query_params: Record<string, unknown> } {
  const query = texts.reduce((query, text, i) => `${query}{p${i - 1}:${parameters[i - 1]!.type}}${text}`)
  return { query, query_params: Object.fromEntries(parameters.map(({ value }, i) => [`p${i}`, value])) }
}
