import type { Output } from '../output/output.js'
import { StoreError } from '../store/object-store.js'
import type { Table } from '../table/table.js'
import type { LakeBackend, OutputReport } from './lake-backend.js'

export interface Update {
  readonly outputs: readonly Output[]
  readonly dryRun: boolean
  /** A table by a listing that begins after the call. */
  readonly refresh: () => Promise<Table>
}

/** So many times other writers may win before an update gives up. */
const MAX_ATTEMPTS = 5

/**
 * Brings outputs up to date, each guarded by the ETag that it had before the listing began that it is made from.
 *
 * @throws StoreError `precondition_failed` where other writers won every time; whatever `refresh` and the bucket fail with
 */
export async function updateOutputs (backend: LakeBackend, { outputs, dryRun, refresh }: Update): Promise<OutputReport[]> {
  const preconditions = await Promise.all(outputs.map(({ key }) => backend.readPrecondition(key)))
  let table = await refresh()
  const reports: OutputReport[] = []
  for (const [i, output] of outputs.entries()) {
    let precondition = preconditions[i]!
    for (let attempt = 1; reports.length === i; attempt++) {
      try {
        reports.push(await backend.publish(table, output, precondition, dryRun))
      } catch (error) {
        if (!(error instanceof StoreError) || error.code !== 'precondition_failed' || attempt === MAX_ATTEMPTS) throw error
        precondition = await backend.readPrecondition(output.key)
        table = await refresh()
      }
    }
  }
  return reports
}
