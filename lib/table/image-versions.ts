import { EMPTY_UTF8, type Utf8Column } from './utf8-column.js'

/** The version of the image of each row in one image field; its key is in the table. Empty ETags and zeros for rows without an image. */
export interface ImageVersions {
  /** Packed: see packed-etag.ts. */
  readonly etags: Utf8Column
  /** Bytes. */
  readonly sizes: Float64Array
  /** Milliseconds since 1970-01-01 UTC. */
  readonly modified: Float64Array
}

/** The versions of the images of a table without rows. */
export const NO_IMAGES: ImageVersions = { etags: EMPTY_UTF8, sizes: new Float64Array(), modified: new Float64Array() }
