/** Merges runs, each of which is sorted by `compare`, into one sorted sequence. The merge is lazy: it proceeds while the result is iterated. */
export function mergeSorted<T> (runs: readonly (readonly T[])[], compare: (a: T, b: T) => number): Iterable<T> {
  if (runs.length < 2) return runs[0] ?? []
  const middle = runs.length >>> 1
  return merge(mergeSorted(runs.slice(0, middle), compare), mergeSorted(runs.slice(middle), compare), compare)
}

function * merge<T> (left: Iterable<T>, right: Iterable<T>, compare: (a: T, b: T) => number): Generator<T> {
  const [lefts, rights] = [left[Symbol.iterator](), right[Symbol.iterator]()]
  let [a, b] = [lefts.next(), rights.next()]
  while (!a.done || !b.done) {
    if (b.done || (!a.done && compare(a.value, b.value) <= 0)) {
      yield a.value
      a = lefts.next()
    } else {
      yield b.value
      b = rights.next()
    }
  }
}
