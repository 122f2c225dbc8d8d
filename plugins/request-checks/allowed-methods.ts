/** The methods of all routes, which can be looked up by the path of a request. */
export class AllowedMethods {
  readonly #routes = new Map<string, { readonly path: RegExp, readonly methods: Set<string> }>()

  /** Adds a route; `url` is a pattern such as /data/:user_id or /docs/static/*. */
  add (url: string, methods: readonly string[]): void {
    const route = this.#routes.get(url) ?? { path: toRegExp(url), methods: new Set() }
    for (const method of methods) route.methods.add(method)
    this.#routes.set(url, route)
  }

  /** The URL patterns of the routes. */
  get urls (): string[] {
    return [...this.#routes.keys()]
  }

  /** The methods of the routes that match a path, in alphabetical order; empty if no route matches. */
  of (path: string): string[] {
    const methods = [...this.#routes.values()].filter((route) => route.path.test(path)).flatMap((route) => [...route.methods])
    return [...new Set(methods)].sort()
  }
}

function toRegExp (url: string): RegExp {
  const pattern = url.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll(/:\w+/g, '[^/]+').replace('*', '.*')
  return new RegExp(`^${pattern}$`)
}
