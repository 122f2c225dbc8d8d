import { countOf } from '../../lib/base/count-of.js'
import type { TypeName } from '../../lib/schema/field-type.js'

/** A declared column of a sample. */
export interface FoundColumn {
  /** The name of its field. */
  readonly name: string
  /** The names that it has in files. */
  readonly spellings: readonly string[]
  readonly type: TypeName
  /** The keys of the files that have it. */
  readonly files: ReadonlySet<string>
}

/** Columns that occur together, in files that have none of the other layouts. */
export interface Layout {
  readonly columns: readonly FoundColumn[]
  /** The keys of the files with one of these columns or more. */
  readonly files: ReadonlySet<string>
}

/** The maximum number of layouts of a lake. With more, the columns have no order that a sentence can describe. */
const MAX_LAYOUTS = 4
/** A layout has at least this many files. */
const MIN_FILES = 2
/** At least this share of the files has the columns of exactly one layout. A column of this share of the files or more is of no layout. */
const MIN_SHARE = 0.95
/** The maximum number of columns of a layout that are listed. */
const MAX_LISTED = 8

/**
 * The layouts of a lake whose files were written in two ways or more, the most frequent one first. Empty if there is only one.
 *
 * @param columns those that some files lack
 * @param keys all files
 */
export function findLayouts (columns: readonly FoundColumn[], keys: readonly string[]): readonly Layout[] {
  const layouts: Layout[] = []
  for (let rest = columns.filter(({ files }) => files.size < MIN_SHARE * keys.length); rest.length > 0;) {
    const first = rest.reduce((most, column) => column.files.size > most.files.size ? column : most)
    const together = rest.filter(({ files }) => 2 * countIn(files, first.files) > files.size)
    layouts.push({ columns: together, files: new Set(together.flatMap(({ files }) => [...files])) })
    if (layouts.length > MAX_LAYOUTS) return []
    rest = rest.filter((column) => !together.includes(column))
  }
  const ofOne = keys.filter((key) => layouts.filter(({ files }) => files.has(key)).length === 1).length
  return layouts.length > 1 && ofOne >= MIN_SHARE * keys.length && layouts.every(({ files }) => files.size >= MIN_FILES) ? layouts : []
}

/** What the layouts are, and how two fields become one. `layouts`: two or more. */
export function describeLayouts (layouts: readonly Layout[]): string {
  const [first, second] = layouts as readonly [Layout, Layout, ...Layout[]]
  const [a, b] = first.columns.flatMap((a) => second.columns.filter(({ type }) => type === a.type).map((b) => [a, b] as const))[0] ?? [first.columns[0]!, second.columns[0]!]
  return `The files have ${layouts.length} sets of columns: ${layouts.map(describeLayout).join('; ')}. fieldsMatch is partial, so that a file may lack the columns of another set. ` +
    `If columns of two sets are the same, make one field of them: if ${labelOf(b.spellings)} is ${labelOf(a.spellings)}, give the field ${a.name} "header": ${JSON.stringify([...a.spellings, ...b.spellings])} and remove the field ${b.name}`
}

function describeLayout ({ columns, files }: Layout): string {
  const listed = columns.slice(0, MAX_LISTED).map(({ spellings }) => labelOf(spellings)).join(', ')
  const rest = columns.length - MAX_LISTED
  return `${listed}${rest > 0 ? ` and ${rest} more` : ''} in ${countOf(files.size, 'file')}, such as ${[...files].sort()[0]!}`
}

/** The names of a column, for messages. */
export function labelOf (spellings: readonly string[]): string {
  return spellings.map((name) => JSON.stringify(name)).join(' or ')
}

function countIn (keys: ReadonlySet<string>, others: ReadonlySet<string>): number {
  let count = 0
  for (const key of keys) if (others.has(key)) count++
  return count
}
