import { StoreError } from '../../lib/store/object-store.js'

/** What a check has found. `not tested`: something else failed or is missing; `not needed`: with these settings; `not applicable`: the kind of store has no such thing. */
export type Verdict = 'yes' | 'no' | 'not tested' | 'not needed' | 'not applicable'

/** The result of a check. */
export interface Finding {
  readonly verdict: Verdict
  /** In words, without a full stop; may be empty. */
  readonly detail: string
}

export const yes = (detail = ''): Finding => ({ verdict: 'yes', detail })
export const no = (detail: string): Finding => ({ verdict: 'no', detail })
export const notTested = (detail: string): Finding => ({ verdict: 'not tested', detail })
export const notNeeded = (detail: string): Finding => ({ verdict: 'not needed', detail })
export const notApplicable = (detail: string): Finding => ({ verdict: 'not applicable', detail })

/** The message of an error of the store, without what the doctor finds out by itself. */
export function describe ({ message }: StoreError): string {
  return message.replace(/, are for another bucket or prefix, or were revoked: run userlake doctor$/, '')
}

/** Whether the store knows the credentials and refuses this request: a right is missing. */
export function lacksRight ({ code, isRefused }: StoreError): boolean {
  return code === 'access_denied' && isRefused
}

/** Runs a check. An error of the store is its finding. @param advice what to do if a right is missing. Default: no advice */
export async function attempt (work: () => Promise<Finding>, advice?: string): Promise<Finding> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    return no(advice !== undefined && lacksRight(error) ? `${describe(error)}: ${advice}` : describe(error))
  }
}

/** The finding about something that needs all of these, by name: the verdict of those that fail or, if none does, of those that are not `yes`. */
export function all (needed: Readonly<Record<string, Finding>>): Finding {
  for (const verdict of ['no', 'not tested', 'not needed', 'not applicable'] as const) {
    const names = Object.keys(needed).filter((name) => needed[name]!.verdict === verdict)
    if (names.length > 0) return { verdict, detail: `see ${names.join(', ')}` }
  }
  return yes()
}
