import { countOf } from '../../lib/base/count-of.js'
import { DEFAULTS } from '../../lib/base/defaults.js'
import { INFO_EXTENSIONS } from '../../lib/base/info-formats.js'
import type { FieldDescriptor } from '../../lib/schema/descriptor.js'
import { IgnoredCounter } from '../../lib/source/ignored-objects.js'
import { describeIgnored } from '../../lib/source/lake-warnings.js'

/** The form of an extension in a schema. */
const EXTENSION = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/
/** The maximum number of image fields, because the words in names may be dates or versions. The most frequent words become fields. */
const MAX_FIELDS = 8

/** A set of ids, or a map whose keys are ids. */
type IdSet = Pick<ReadonlySet<string>, 'has'>

/** The ids of the info files of a lake, and the names of its images. */
export interface ImageNames {
  readonly ids: IdSet
  /** The base names of images, with their extensions. */
  readonly images: readonly string[]
}

/**
 * Infers the image fields: `image` for images such as `7.png`, and one field for each word in names such as `7.front.jpg`.
 *
 * @param taken the names of other fields
 */
export function inferImages ({ ids, images }: ImageNames, taken: readonly string[]): FieldDescriptor[] {
  const extensions = new Map<string, Set<string>>()
  const counts = new Map<string, number>()
  for (const name of images) {
    const extension = extensionAfterId(name, ids)
    if (extension === undefined || !EXTENSION.test(extension)) continue
    const word = extension.includes('.') ? extension.slice(0, extension.indexOf('.')) : 'image'
    extensions.set(word, (extensions.get(word) ?? new Set()).add(extension))
    counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  const frequent = [...extensions].sort(([a], [b]) => counts.get(b)! - counts.get(a)!).slice(0, MAX_FIELDS)
  return frequent.sort(([a], [b]) => Number(b === 'image') - Number(a === 'image') || (a < b ? -1 : 1)).map(([word, found]): FieldDescriptor => ({
    name: taken.includes(word) ? `${word}_key` : word,
    type: 'string',
    source: 'image',
    ...word === 'image' && extensions.size === 1 ? {} : { extensions: word === 'image' ? [...DEFAULTS.imageExtensions] : [...found].sort() }
  }))
}

/** The maximum number of extensions that are reported: the most frequent ones. */
const MAX_REPORTED = 3

/**
 * Objects that are neither info files nor images: those that have the name of an info file, such as `7.pdf`, with how many there are for each extension, and how their keys become a
 * column; and all others.
 */
export function describeOthers (ids: IdSet, keys: readonly string[]): string[] {
  const found = new Map<string, { count: number, readonly example: string }>()
  const ignored = new IgnoredCounter()
  for (const key of keys) {
    const extension = extensionAfterId(key.slice(key.lastIndexOf('/') + 1), ids)
    if (extension === undefined || !EXTENSION.test(extension)) {
      const bytes = Buffer.from(key)
      ignored.add({ bytes, start: 0, end: bytes.length })
      continue
    }
    const group = found.get(extension) ?? { count: 0, example: key }
    found.set(extension, group)
    group.count++
  }
  const frequent = [...found].sort(([, a], [, b]) => b.count - a.count).slice(0, MAX_REPORTED)
  const named = frequent.map(([extension, { count, example }]) => {
    const field: FieldDescriptor = { name: extension.replaceAll(/[.-]/g, '_'), type: 'string', source: 'image', extensions: [extension] }
    return `${count} .${extension} ${count === 1 ? 'object has the name of an info file' : 'objects have the names of info files'}, such as ${example}, and ${count === 1 ? 'is' : 'are'} ignored: with the field ${JSON.stringify(field)}, their keys are in the records. The service does not serve their content`
  })
  const groups = ignored.list()
  const count = groups.reduce((sum, group) => sum + group.count, 0)
  return count === 0 ? named : [...named, `${countOf(count, 'object is', 'objects are')} ignored, and neither info files (${INFO_EXTENSIONS}) nor images: ${describeIgnored(groups)}`]
}

/** The part of an image name after the longest id that it begins with, in lower case and without the dot. Returns `undefined` if it begins with no id. */
function extensionAfterId (name: string, ids: IdSet): string | undefined {
  const dots = [...name.matchAll(/\./g)].map(({ index }) => index)
  const dot = dots.reverse().find((dot) => ids.has(name.slice(0, dot)))
  return dot === undefined ? undefined : name.slice(dot + 1).toLowerCase()
}
