import type { Field, Schema, TypeName } from './types.js'

// The columns of the lake, as the page shows them.

export interface Column {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly type: TypeName
  /** `age` is the virtual column of ages. */
  readonly kind: 'key' | 'image' | 'field' | 'undeclared' | 'age'
  /** A number of milliseconds since 1970-01-01 UTC that is shown as a time. */
  readonly isTime: boolean
  /** The values that the schema allows, if it lists them. */
  readonly values?: readonly string[]
}

export interface Columns {
  readonly all: readonly Column[]
  readonly byName: ReadonlyMap<string, Column>
  readonly key: Column
  readonly images: readonly Column[]
  /** The virtual column of ages, if there is one. */
  readonly age: Column | undefined
  /** The columns of the table unless the URL names others. */
  readonly shown: readonly Column[]
  /** The columns with a histogram; ages come first. */
  readonly numeric: readonly Column[]
  /** The columns that can be grouped; the ones with few values come first. */
  readonly groupable: readonly Column[]
}

const AGE = 'age'
export const DAY_MS = 86_400_000

export function columnsOf (schema: Schema): Columns {
  const declared = schema.fields.map(toColumn)
  const undeclared = schema.undeclared_columns.map(({ name, records }): Column =>
    ({ name, title: name, description: `An undeclared column, which ${records} records have`, type: 'string', kind: 'undeclared', isTime: false }))
  const hasOwnAge = [...declared, ...undeclared].some(({ name }) => name === AGE)
  const age: Column | undefined = !schema.fields.some(({ role }) => role === 'birth') || hasOwnAge
    ? undefined
    : { name: AGE, title: 'Age', description: 'Completed years', type: 'integer', kind: 'age', isTime: false }
  const withAge = declared.flatMap((column, i) => age !== undefined && schema.fields[i]!.role === 'birth' ? [column, age] : [column])
  const images = declared.filter(({ kind }) => kind === 'image')
  const all = [...withAge, ...undeclared]
  const usable = all.filter(({ name }) => isAddressable(name))
  return {
    all,
    byName: new Map(all.map((column) => [column.name, column])),
    key: declared.find(({ kind }) => kind === 'key')!,
    images,
    age,
    shown: withAge.filter(({ kind, name }) => kind !== 'image' && isAddressable(name)),
    numeric: [...age === undefined ? [] : [age], ...usable.filter(({ kind, type }) => kind === 'field' && ['integer', 'number', 'date', 'datetime'].includes(type))],
    groupable: usable.filter(({ kind }) => kind !== 'image' && kind !== 'key').sort((a, b) => groupRank(a) - groupRank(b))
  }
}

function toColumn ({ name, title, description, type, source, role, constraints }: Field): Column {
  const values = constraints?.enum?.map(String)
  return {
    name,
    title: title ?? toTitle(name),
    description: description ?? '',
    type,
    kind: source ?? 'field',
    isTime: role === 'birth' && type === 'integer',
    ...values && { values }
  }
}

/** `installed_at` becomes "Installed at". */
function toTitle (name: string): string {
  const words = name.replaceAll('_', ' ').trim()
  return words === '' ? name : words[0]!.toUpperCase() + words.slice(1)
}

/** Whether the values are points in time, which the page shows in UTC. */
export function isInstant ({ type, isTime }: Column): boolean {
  return type === 'datetime' || isTime
}

/** The distance of neighbouring values, as numbers: milliseconds for dates and datetimes; 0 if between two values there is always another one. */
export function stepOf ({ type }: Column): number {
  if (type === 'date') return DAY_MS
  return type === 'number' ? 0 : 1
}

/** Whether conditions can name a column. */
export function isFilterable (name: string): boolean {
  return !/[,=!<>~^]/.test(name)
}

/** Whether parameters that list columns can name this one: `-` means a descending order. */
export function isAddressable (name: string): boolean {
  return isFilterable(name) && !name.startsWith('-')
}

function groupRank ({ type, kind, values, isTime }: Column): number {
  if (values !== undefined) return 0
  if (kind === 'undeclared') return 2
  if (type === 'string') return 1
  if (type === 'boolean') return 1.5
  return isTime ? 4 : 3
}
