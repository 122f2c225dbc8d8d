/** The scopes, which are what a client may do: docs/security.md describes each. */
export const SCOPES = ['read', 'write', 'stats', 'events', 'metrics'] as const

export type Scope = (typeof SCOPES)[number]

/** Which clients may use a route: all of them, or those that have this scope. */
export type Access = 'public' | Scope

/** A client that has sent valid credentials. */
export interface Client {
  readonly name: string
  readonly scopes: readonly Scope[]
}

export function isScope (text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text)
}
