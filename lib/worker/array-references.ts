import { mapTypedArrays, typedArraysIn } from '../base/typed-arrays.js'

// Posting shared memory to another thread copies nothing, but makes a new SharedArrayBuffer object there each time, which cannot be
// recognized. So an array that both threads hold already is posted as a reference, and the receiver goes on with its own.

/** Stands for an array of the previous state, by its position in `typedArraysIn`. */
interface ArrayReference { readonly arrayOfPrevious: number }

/** Replaces each array that the previous state contains, too, by a reference. */
export function toReferences (next: unknown, previous: unknown): unknown {
  const positions = new Map(typedArraysIn(previous).map((array, i) => [array, i]))
  return mapTypedArrays(next, (array) => positions.has(array) ? { arrayOfPrevious: positions.get(array)! } satisfies ArrayReference : array)
}

/** The opposite of `toReferences`, in a thread that has a copy of the previous state. */
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
