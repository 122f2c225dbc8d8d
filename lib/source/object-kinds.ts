import { compareBytes } from '../base/bytes.js'
import { INFO_FORMATS } from '../base/info-formats.js'
import { compileSchema } from '../schema/schema.js'
import { copySlice, sliceToString } from '../store/object-list.js'
import type { ByteSlice } from '../table/utf8-column.js'
import type { SourceRules } from './rules.js'
import { extensionIn } from './entity-objects.js'

/** What an object is, by its key. `own`: the service itself writes it. `hidden`: it is an image of a hidden field, and is not reported at all. `other`: it is ignored. */
export type ObjectKind =
  | { readonly kind: 'info', readonly extension: Buffer }
  /** `field`: the position of its field among the image fields. */
  | { readonly kind: 'image', readonly field: number, readonly extension: Buffer }
  | HiddenObjectKind
  | { readonly kind: 'own' | 'other' }

interface HiddenObjectKind { readonly kind: 'hidden', readonly extension: Buffer }

/** An info file or an image. `extension`: in lower case, with the dot before it; the key of the record ends there. */
export type RecordObjectKind = Extract<ObjectKind, { readonly kind: 'info' | 'image' }>

/** A kind that the extension of a key determines. */
type KnownKind = RecordObjectKind | HiddenObjectKind

const OWN: ObjectKind = { kind: 'own' }
const OTHER: ObjectKind = { kind: 'other' }

/** The number of spellings of extensions whose kinds are cached: a lake has few, each with many objects. */
const MAX_SPELLINGS = 8

interface Spelling extends ByteSlice { readonly kinds: readonly KnownKind[] }

/** Returns a function that determines the kind of an object by its key. Of several extensions that match, the longest one counts. */
export function objectClassifier (rules: SourceRules): (key: ByteSlice) => ObjectKind {
  const own = rules.ownKeys.map((key) => Buffer.from(key))
  const kinds = knownKinds(rules)
  const spellings: Spelling[] = []
  const kindsOf = (last: ByteSlice): readonly KnownKind[] => {
    for (const other of spellings) if (compareBytes(other.bytes, other.start, other.end, last.bytes, last.start, last.end) === 0) return other.kinds
    const end = Buffer.from(`.${sliceToString(last).toLowerCase()}`)
    const found = kinds.filter(({ extension }) => extension.subarray(-end.length).equals(end))
    if (spellings.length < MAX_SPELLINGS) spellings.push({ ...copySlice(last), kinds: found })
    return found
  }
  return (key) => {
    const last = extensionIn(key)
    if (last === undefined) return OTHER
    for (const other of own) if (other.length === key.end - key.start && compareBytes(other, 0, other.length, key.bytes, key.start, key.end) === 0) return OWN
    const lastLength = last.end - last.start + 1
    for (const kind of kindsOf(last)) if (kind.extension.length === lastLength || endsWith(key, kind.extension)) return kind
    return OTHER
  }
}

/**
 * The extensions of the lake, the longest first. Those of the settings are for image fields that declare none. Hidden fields keep their extensions: otherwise their images
 * would be reported as ignored objects, or belong to another field.
 */
function knownKinds ({ schema, hidden, imageExtensions }: SourceRules): KnownKind[] {
  const extension = (text: string) => Buffer.from(`.${text}`)
  const { imageFields } = compileSchema(hidden?.schema ?? schema)
  const declared = new Set<string>([...INFO_FORMATS, ...imageFields.flatMap(({ extensions = [] }) => extensions)])
  const others = imageExtensions.filter((text) => !declared.has(text))
  const visible = imageFields.filter(({ name }) => !hidden?.names.includes(name))
  return [
    ...INFO_FORMATS.map((text): KnownKind => ({ kind: 'info', extension: extension(text) })),
    ...imageFields.flatMap((field) => (field.extensions ?? others).map((text): KnownKind =>
      visible.includes(field) ? { kind: 'image', field: visible.indexOf(field), extension: extension(text) } : { kind: 'hidden', extension: extension(text) }))
  ].sort((a, b) => b.extension.length - a.extension.length)
}

/** Whether a key ends with an extension, in upper or lower case. */
function endsWith ({ bytes, start, end }: ByteSlice, extension: Buffer): boolean {
  if (end - start < extension.length) return false
  for (let i = 0; i < extension.length; i++) if (lowerCase(bytes[end - extension.length + i]!) !== extension[i]) return false
  return true
}

/** An ASCII letter in lower case, any other byte as it is. */
function lowerCase (byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
}
