/** A value of a record. Dates are days and datetimes milliseconds since 1970-01-01 UTC; `null` is a missing value. */
export type Value = string | number | boolean | null

/** The names of the supported types of the Table Schema standard. */
export const TYPE_NAMES = ['string', 'integer', 'number', 'boolean', 'date', 'datetime'] as const
export type TypeName = (typeof TYPE_NAMES)[number]

/** The properties of a field that change how its values are written in files. See the Table Schema standard, "Field Types". */
export interface TypeOptions {
  readonly format?: string | undefined
  readonly decimalChar?: string | undefined
  readonly groupChar?: string | undefined
  readonly bareNumber?: boolean | undefined
  readonly trueValues?: readonly string[] | undefined
  readonly falseValues?: readonly string[] | undefined
}

/** How the values of one field are read and written. */
export interface FieldType {
  readonly name: TypeName
  /** What `parse` accepts, to follow "must be" in a message. */
  readonly accepts: string
  /** Reads a text that is not a missing value, without white space around it unless the type is string. Returns `undefined` if it is not of this type. */
  parse (text: string): NonNullable<Value> | undefined
  /** Reads a value of a JSON file that is not a string, which `parse` reads. Returns `undefined` if it is not of this type. */
  fromJson (value: number | boolean): NonNullable<Value> | undefined
  /** A value as text: in CSV, in parameters and in messages. */
  format (value: NonNullable<Value>): string
  /** A value as JSON text. */
  toJson (value: NonNullable<Value>): string
  /** A negative number, 0 or a positive number, as `a` sorts before, equal to or after `b`. Strings compare by their UTF-8 bytes. */
  compare (a: NonNullable<Value>, b: NonNullable<Value>): number
}
