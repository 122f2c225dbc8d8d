import { rejectedFilesOf } from '../../lib/source/source-state.js'
import type { View } from '../../lib/source/view-change.js'
import { unpackEtag } from '../../lib/store/packed-etag.js'
import { ImageTexts } from '../../lib/table/image-keys.js'
import { TableReader } from '../../lib/table/table.js'
import { Utf8Reader } from '../../lib/table/utf8-column.js'

/** Everything that a state contains except its log and name, in a form in which equal contents are equal. */
export function contentOf ({ state, quarantine }: View): object {
  const table = new TableReader(state.table)
  const fileKeys = new Utf8Reader(state.files.keys)
  return {
    version: state.table.version,
    rows: Array.from({ length: table.length }, (_, row) => [
      table.row(row), state.table.births?.dates[row], fileKeys.at(row), unpackEtag(state.files.etags, row), state.files.sizes[row], state.files.racy[row],
      state.images.map(({ etags, sizes, modified }, field) => [new ImageTexts(state.table.images[field]!, table.keys).at(row), unpackEtag(etags, row), sizes[row], modified[row]])
    ]),
    imageKeys: state.table.images.map(({ bytes }) => Buffer.from(bytes).toString('hex')),
    rejected: [...rejectedFilesOf(state).values()].map((file) => JSON.stringify(file)).sort(),
    quarantine: { ...quarantine, origin: '' }
  }
}
