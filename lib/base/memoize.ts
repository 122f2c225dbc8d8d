/** Caches the results of a function whose argument is an object: each result for as long as its argument is reachable. Errors are not cached. */
export function memoize<A extends object, R> (compute: (argument: A) => R): (argument: A) => R {
  const results = new WeakMap<A, { readonly result: R }>()
  return (argument) => {
    const cached = results.get(argument)
    if (cached !== undefined) return cached.result
    const result = compute(argument)
    results.set(argument, { result })
    return result
  }
}
