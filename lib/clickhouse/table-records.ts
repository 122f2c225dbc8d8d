import { unpackEtag } from '../store/packed-etag.js'
import type { ImageVersions } from '../table/image-versions.js'
import { TableReader, type Table } from '../table/table.js'
import type { StoredRecord } from './stored-record.js'

/** The records of a table in memory. `images`: of each image field; absent: no ETags and sizes. */
export function * recordsOfTable (data: Table, images: readonly ImageVersions[] = []): Generator<StoredRecord> {
  const table = new TableReader(data)
  const imageFields = data.fields.filter(({ source }) => source === 'image')
  const undeclaredNames = table.columnNames.slice(table.declared.length)
  for (let row = 0; row < table.length; row++) {
    const { births, fields } = data
    const instant = births?.instants[row] ?? NaN
    yield {
      key: table.keys.at(row),
      values: fields.map(({ name }) => table.value(row, name)),
      images: imageFields.map(({ name }, i) => table.images(name)!.isEmpty(row) ? undefined : imageAt(images[i], row)),
      undeclared: new Map(undeclaredNames.flatMap((name): [string, string][] => {
        const value = table.value(row, name)
        return value === null ? [] : [[name, String(value)]]
      })),
      birth: Number.isNaN(instant) ? undefined : { instant, day: births!.dates[row]! },
      json: table.json.at(row).slice(0, -1)
    }
  }
}

function imageAt (images: ImageVersions | undefined, row: number): StoredRecord['images'][number] {
  return images && { etag: unpackEtag(images.etags, row), size: images.sizes[row]!, lastModified: images.modified[row]! }
}
