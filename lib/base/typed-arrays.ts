type TypedArray = NodeJS.TypedArray

/** Returns a copy of plain data in which each typed array is replaced. Maps and sets are not copied, and arrays in them are not replaced. */
export function mapTypedArrays (data: unknown, replace: (array: TypedArray) => unknown): unknown {
  if (ArrayBuffer.isView(data)) return replace(data as TypedArray)
  if (Array.isArray(data)) return data.map((item) => mapTypedArrays(item, replace))
  if (typeof data !== 'object' || data === null || data instanceof Map || data instanceof Set) return data
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, mapTypedArrays(value, replace)]))
}

/** The typed arrays in plain data, in the order of its properties. Those in maps and sets are not included. */
export function typedArraysIn (data: unknown): TypedArray[] {
  const arrays: TypedArray[] = []
  mapTypedArrays(data, (array) => arrays.push(array))
  return arrays
}

/** Returns `next`, which is plain data without maps and sets, with each typed array replaced by the equal array at the same place in `previous`, if there is one, to share its memory. */
export function reuseTypedArrays<T> (previous: T, next: T): T {
  if (ArrayBuffer.isView(next)) return ArrayBuffer.isView(previous) && isEqual(previous as unknown as TypedArray, next as unknown as TypedArray) ? previous : next
  if (typeof next !== 'object' || next === null || typeof previous !== 'object' || previous === null) return next
  const reuse = ([name, value]: [string, unknown]) => reuseTypedArrays((previous as Record<string, unknown>)[name], value)
  const items = Object.entries(next)
  return (Array.isArray(next) ? items.map(reuse) : Object.fromEntries(items.map((item) => [item[0], reuse(item)]))) as T
}

function isEqual (a: TypedArray, b: TypedArray): boolean {
  return a.BYTES_PER_ELEMENT === b.BYTES_PER_ELEMENT && bytesOf(a).equals(bytesOf(b))
}

function bytesOf ({ buffer, byteOffset, byteLength }: TypedArray): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
}
