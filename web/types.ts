// The responses of the API, as far as the page uses them.

export type TypeName = 'string' | 'integer' | 'number' | 'boolean' | 'date' | 'datetime'
export type Value = string | number | boolean | null

export interface Field {
  readonly name: string
  readonly type: TypeName
  readonly title?: string
  readonly description?: string
  readonly example?: unknown
  readonly header?: string | readonly string[]
  readonly source?: 'key' | 'image'
  readonly role?: 'birth'
  readonly constraints?: { readonly required?: boolean, readonly enum?: readonly unknown[] }
}

export interface Schema {
  readonly title?: string
  readonly description?: string
  readonly fields: readonly Field[]
  readonly undeclared_columns: readonly { readonly name: string, readonly records: number }[]
}

export type Row = Readonly<Record<string, Value>>

export interface ColumnStatistics {
  readonly count: number
  readonly mean: string | number | null
  readonly median: string | number | null
  readonly min: string | number | null
  readonly max: string | number | null
  readonly histogram?: readonly { readonly min: string | number, readonly max: string | number, readonly count: number }[]
}

export interface Statistics {
  readonly count: number
  readonly with_image?: number
  readonly average_age?: number
  readonly median_age?: number | null
  readonly age_histogram?: readonly { readonly min_age: number, readonly max_age: number, readonly count: number }[]
  readonly columns?: Readonly<Record<string, ColumnStatistics>>
  readonly groups?: readonly { readonly value: Value, readonly count: number, readonly columns?: Readonly<Record<string, ColumnStatistics>> }[]
  readonly other?: { readonly groups: number, readonly count: number }
}

export interface Detail { readonly code: string, readonly detail: string }

export interface Reject extends Detail {
  readonly key: string
  readonly hint: string | null
}

export interface QuarantineEntry extends Reject {
  readonly line: number | null
  readonly column: string | null
  readonly excerpt: string | null
  readonly last_good: { readonly key: string } | null
}

export interface Quarantine {
  readonly counts: { readonly rejects: number, readonly orphans: number, readonly ignored: number }
  readonly entries: readonly QuarantineEntry[]
  readonly ignored: readonly { readonly extension: string | null, readonly count: number, readonly example: string }[]
}

export interface Job {
  readonly id: string
  readonly trigger: string
  readonly dry_run: boolean
  readonly state: string
  readonly created_at: string
  readonly finished_at: string | null
  readonly progress: { readonly listed: number, readonly to_fetch: number, readonly fetched: number }
  readonly result: null | {
    readonly records: number
    readonly added: number
    readonly changed: number
    readonly removed: number
    readonly rejected: number
    readonly output_key: string
    readonly skipped: boolean
    readonly warnings: readonly Detail[]
    readonly confirm?: string
  }
  readonly error: Detail | null
}

export interface Problem {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly details?: readonly Detail[]
  readonly reject?: Reject
}

/** Reads a response of the API. */
export interface Reader { get<T> (path: string): Promise<T> }
