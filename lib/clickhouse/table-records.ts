import type { FileVersions } from '../source/source-state.js'
import { unpackEtag } from '../store/packed-etag.js'
import type { ImageVersions } from '../table/image-versions.js'
import { TableReader, type Table } from '../table/table.js'
import { Utf8Reader } from '../table/utf8-column.js'
import type { StoredRecord } from './stored-record.js'

/** The versions of the objects of a table in memory; if one is absent, the records have none. */
interface Versions { readonly files?: FileVersions | undefined, readonly images?: readonly ImageVersions[] | undefined }

const NO_FILE: StoredRecord['file'] = { key: '', etag: '', size: 0, racy: false }

/** The records of a table in memory, or those in some of its rows. */
export function * recordsOfTable (data: Table, { files, images = [] }: Versions = {}, rows: Iterable<number> = Array.from({ length: data.length }, (_, row) => row)): Generator<StoredRecord> {
  const table = new TableReader(data)
  const imageFields = data.fields.filter(({ source }) => source === 'image')
  const undeclaredNames = table.columnNames.slice(table.declared.length)
  const fileKeys = files && new Utf8Reader(files.keys)
  for (const row of rows) {
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
      json: table.json.at(row).slice(0, -1),
      file: files === undefined ? NO_FILE : fileAt(files, fileKeys!, row)
    }
  }
}

function imageAt (images: ImageVersions | undefined, row: number): StoredRecord['images'][number] {
  return images && { etag: unpackEtag(images.etags, row), size: images.sizes[row]!, lastModified: images.modified[row]! }
}

function fileAt ({ etags, sizes, racy }: FileVersions, keys: Utf8Reader, row: number): StoredRecord['file'] {
  return { key: keys.at(row), etag: unpackEtag(etags, row), size: sizes[row]!, racy: racy[row] === 1 }
}
