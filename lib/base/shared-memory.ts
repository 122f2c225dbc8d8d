import { typedArraysIn } from './typed-arrays.js'

/** The constructor of a typed array. */
interface ArrayType<T> {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: SharedArrayBuffer): T
}

/** A typed array of zeros in shared memory: posting it to another thread copies nothing. */
export function shared<T> (Type: ArrayType<T>, length: number): T {
  return new Type(new SharedArrayBuffer(length * Type.BYTES_PER_ELEMENT))
}

/** Stand-ins for shared memory, each collected together with its owner. */
const hints = new WeakMap<object, ArrayBuffer>()

/** The buffers of the typed arrays in plain data. */
export function memoryOf (data: unknown): ReadonlySet<ArrayBufferLike> {
  return new Set(typedArraysIn(data).map(({ buffer }) => buffer))
}

/**
 * Tells the garbage collector how much shared memory the typed arrays of an object hold. V8 does not count shared memory for any thread
 * (`BackingStore::PerIsolateAccountingLength`), and would let gigabytes of it pile up. The hint, one per object, is an array buffer of
 * that size: it takes address space but no memory, as it is never written to.
 */
export function hintSharedMemory (owner: object): void {
  if (hints.has(owner)) return
  hints.set(owner, new ArrayBuffer([...memoryOf(owner)].reduce((sum, { byteLength }) => sum + byteLength, 0)))
}
