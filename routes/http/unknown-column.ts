import type { ColumnUse, UnknownColumnError } from '../../lib/base/errors.js'
import { didYouMean } from '../../lib/base/nearest.js'
import { AGE, columnNames, isAge, type Columns } from '../../lib/query/age-column.js'

// What to use in place of a column that no record has.

/** A name for groups of ages, such as decade, age_band or birth_year. */
const AGE_GROUP = /decade|generation|^age_?(band|class|group|range)|birth_?year/i

/** What to use in place of groups of ages, as the end of a message. */
export const AGE_BINS_HINT = '; without group_by, GET /stats counts the ages in bins of bin_width years'

/** The end of names such as image_exists, which is a filter. */
const EXISTS = '_exists'

/** The end of a message about an unknown column: what to use instead, the column with the most similar name, or where the columns are listed. */
export function unknownColumnHint ({ column, usedIn, nearest }: Pick<UnknownColumnError, 'column' | 'usedIn' | 'nearest'>, version: Columns): string {
  if (column.endsWith(EXISTS)) return existsHint(column, usedIn, version)
  if (usedIn === 'groupBy' && nearest === undefined && AGE_GROUP.test(column) && isAge(version, AGE)) return AGE_BINS_HINT
  const [, argument] = /^\w+\((.+)\)$/.exec(column) ?? []
  if (argument !== undefined && columnNames(version).includes(argument)) return `; there are no functions: write the column alone (${argument})`
  return didYouMean(nearest) || '; GET /schema lists the columns'
}

function existsHint (name: string, usedIn: ColumnUse, { fields }: Columns): string {
  const column = name.slice(0, -EXISTS.length)
  if (name !== 'image_exists' && name !== 'is_image_exists') return `; it is not a column: where=${column} selects the records that have a value, where=!${column} the others`
  if (!fields.some(({ source }) => source === 'image')) return '; the schema has no image field'
  switch (usedIn) {
    case 'filters': return '; it is a parameter of its own: use image_exists=true or image_exists=false, without where='
    case 'groupBy': return '; it is not a column: with_image of GET /stats without group_by is the number of records that have an image'
    default: return '; it is not a column: image_exists=true selects the records that have an image'
  }
}
