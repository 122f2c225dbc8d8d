import type { Output } from '../output/output.js'
import { StoreError } from '../store/object-store.js'
import type { TableData } from '../table/table.js'
import type { BucketSide, OutputReport } from './lake-backend.js'

export interface Update {
  readonly outputs: readonly Output[]
  readonly dryRun: boolean
  /** A table by a listing that begins after the call. */
  readonly refresh: () => Promise<TableData>
}

/** So many times other writers may win before an update gives up. */
const ATTEMPTS = 5

/**
 * Brings outputs up to date, each fenced by the ETag that it had before the listing began that it is made from.
 *
 * @throws StoreError `precondition_failed` where other writers won every time; whatever `refresh` and the bucket fail with
 */
export async function updateOutputs (side: BucketSide, { outputs, dryRun, refresh }: Update): Promise<OutputReport[]> {
  const fences = await Promise.all(outputs.map(({ key }) => side.fence(key)))
  let table = await refresh()
  const reports: OutputReport[] = []
  for (const [i, output] of outputs.entries()) {
    let fence = fences[i]!
    for (let attempt = 1; reports.length === i; attempt++) {
      try {
        reports.push(await side.publish(table, output, fence, dryRun))
      } catch (error) {
        if (!(error instanceof StoreError) || error.code !== 'precondition_failed' || attempt === ATTEMPTS) throw error
        fence = await side.fence(output.key)
        table = await refresh()
      }
    }
  }
  return reports
}
