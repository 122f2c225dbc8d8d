import { typedArraysIn } from './typed-arrays.js'

/** The constructor of a typed array. */
interface ArrayType<T> {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: SharedArrayBuffer): T
}

/** Allocates a typed array of zeros in shared memory, which is not copied when it is posted to another thread. `length` is in elements. */
export function shared<T> (Type: ArrayType<T>, length: number): T {
  return new Type(new SharedArrayBuffer(length * Type.BYTES_PER_ELEMENT))
}

/** By object: the unused array buffer that stands for its shared memory, and that is collected together with it. */
const hints = new WeakMap<object, ArrayBuffer>()

/** Returns the buffers of all typed arrays in nested objects and arrays; each buffer once, even if several typed arrays share it. */
export function buffersOf (data: unknown): ReadonlySet<ArrayBufferLike> {
  return new Set(typedArraysIn(data).map(({ buffer }) => buffer))
}

/**
 * Makes the garbage collector account for the shared memory of an object's typed arrays. V8 does not count shared memory for any thread
 * (`BackingStore::PerIsolateAccountingLength`), so gigabytes of it could accumulate before a collection. This function allocates, once per
 * object, an ordinary array buffer of the same size. Because it is never written to, it takes address space but no physical memory.
 */
export function hintSharedMemory (owner: object): void {
  if (hints.has(owner)) return
  hints.set(owner, new ArrayBuffer([...buffersOf(owner)].reduce((sum, { byteLength }) => sum + byteLength, 0)))
}
