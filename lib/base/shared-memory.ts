/** A kind of typed array. */
interface ArrayType<T> {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: SharedArrayBuffer): T
}

/** An array of zeros in memory that threads share: passing it to another one copies nothing. */
export function shared<T> (Type: ArrayType<T>, length: number): T {
  return new Type(new SharedArrayBuffer(length * Type.BYTES_PER_ELEMENT))
}

/**
 * Something to hold beside shared memory of so many bytes, so that the garbage collector knows what it would gain: V8 does
 * not count shared memory for any thread (`BackingStore::PerIsolateAccountingLength`), and would let gigabytes of it pile up.
 * It costs address space and no memory, as it is never touched.
 */
export function externalMemoryHint (bytes: number): unknown {
  return new ArrayBuffer(bytes)
}
