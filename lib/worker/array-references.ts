import { mapTypedArrays, typedArraysIn } from '../base/typed-arrays.js'

// Posting shared memory to another thread copies nothing, but creates a new SharedArrayBuffer object there each time, which cannot be compared
// with the earlier one. Therefore an array that both threads have already is posted as a reference, and the receiver uses its own array.

/** Refers to an array of the previous state by its index in the result of `typedArraysIn`. */
interface ArrayReference { readonly arrayOfPrevious: number }

/** Returns a copy of `next` in which each array that `previous` also contains is replaced by a reference. */
export function toReferences (next: unknown, previous: unknown): unknown {
  const positions = new Map(typedArraysIn(previous).map((array, i) => [array, i]))
  return mapTypedArrays(next, (array) => positions.has(array) ? { arrayOfPrevious: positions.get(array)! } satisfies ArrayReference : array)
}

/** The inverse of `toReferences`, in a thread that has a copy of the previous state. */
export function fromReferences (next: unknown, previous: unknown): unknown {
  const arrays = typedArraysIn(previous)
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve)
    if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
    if ('arrayOfPrevious' in value) return arrays[(value as ArrayReference).arrayOfPrevious]
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, resolve(item)]))
  }
  return resolve(next)
}
