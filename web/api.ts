import type { Problem } from './types.js'

const KEY = 'userlake-key'

/** An error response of the API, or no response at all. The message is for people. */
export class ApiError extends Error {
  readonly status: number
  readonly problem: Problem | undefined

  constructor (status: number, message: string, problem?: Problem) {
    super(message)
    this.status = status
    this.problem = problem
  }
}

/** The public API of the service that the page comes from. URLs are relative, so that it may be behind a prefix of a proxy. */
export class Api {
  /** Is called if a request needs a key, or its key is not valid. */
  onUnauthorized: (error: ApiError) => void = () => {}
  readonly #pending = new Map<string, Promise<{ readonly headers: Headers, readonly body: unknown }>>()

  get key (): string | undefined {
    return sessionStorage.getItem(KEY) ?? undefined
  }

  set key (key: string | undefined) {
    if (key === undefined) sessionStorage.removeItem(KEY)
    else sessionStorage.setItem(KEY, key)
  }

  /** The body of a JSON response. Requests for one URL at the same time are sent once. @throws {ApiError} */
  async get<T> (path: string): Promise<T> {
    return (await this.getWithHeaders<T>(path)).body
  }

  /** @throws {ApiError} */
  async getWithHeaders<T> (path: string): Promise<{ readonly headers: Headers, readonly body: T }> {
    let pending = this.#pending.get(path)
    if (pending === undefined) {
      pending = this.send(path).then(async (response) => ({ headers: response.headers, body: await response.json() })).finally(() => this.#pending.delete(path))
      this.#pending.set(path, pending)
    }
    return await pending as { headers: Headers, body: T }
  }

  /** Sends a request with the key. @throws {ApiError} unless the response is a success */
  async send (path: string, { headers, ...options }: RequestInit & { readonly headers?: Readonly<Record<string, string>> } = {}): Promise<Response> {
    const { key } = this
    let response: Response
    try {
      response = await fetch(path, { ...options, headers: { ...headers, ...key !== undefined && { authorization: `Bearer ${key}` } } })
    } catch (error) {
      if (options.signal?.aborted) throw error
      throw new ApiError(0, 'The service cannot be reached')
    }
    if (response.ok) return response
    const problem = await readProblem(response)
    const error = new ApiError(response.status, problem?.detail ?? `${response.status} ${response.statusText}`, problem)
    if (response.status === 401) this.onUnauthorized(error)
    throw error
  }
}

async function readProblem (response: Response): Promise<Problem | undefined> {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) return undefined
  try {
    return await response.json() as Problem
  } catch {
    return undefined
  }
}

export function messageOf (error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Whether the data version of a listing is no longer retained, so that the listing has to begin again. */
export function isGone (error: unknown): boolean {
  return error instanceof ApiError && error.status === 410
}
