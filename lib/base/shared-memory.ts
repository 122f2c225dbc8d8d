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

/** By owner: an array buffer that is collected together with the owner. */
const hints = new WeakMap<object, ArrayBuffer>()

/** The distinct buffers of all typed arrays in plain data. */
export function memoryOf (data: unknown): ReadonlySet<ArrayBufferLike> {
  return new Set(typedArraysIn(data).map(({ buffer }) => buffer))
}

/**
 * Makes the garbage collector account for the shared memory of an object's typed arrays. V8 does not count shared memory for any thread
 * (`BackingStore::PerIsolateAccountingLength`), so gigabytes of it could accumulate before a collection. This function allocates, once per
 * object, an ordinary array buffer of the same size. Because it is never written to, it takes address space but no physical memory.
 */
export function hintSharedMemory (owner: object): void {
  if (hints.has(owner)) return
  hints.set(owner, new ArrayBuffer([...memoryOf(owner)].reduce((sum, { byteLength }) => sum + byteLength, 0)))
}
