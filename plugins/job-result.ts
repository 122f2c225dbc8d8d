import type { Warning } from '../lib/base/warning.js'
import type { UpdateReport } from '../lib/transformer.js'

type Output = Pick<UpdateReport, 'key' | 'etag' | 'bytes' | 'skipped'>

/** The warning about an output that is held. @param confirmation how it is published */
export function outputHeld (confirmation: string): Warning {
  return { code: 'output_held', detail: `The output would lose more records than MAX_LOSS allows; ${confirmation}` }
}

/** The result of a job with the names that the API and the log use. Without the phases. */
export function toWireResult ({ otherOutputs, warnings, phases, ...output }: UpdateReport) {
  const { confirm } = output
  return {
    ...toWireOutput(output),
    other_outputs: otherOutputs.map(toWireOutput),
    warnings: [...warnings, ...confirm === undefined ? [] : [outputHeld(`POST /data?confirm=${confirm} publishes it`)]]
  }
}

function toWireOutput<T extends Output> ({ key, ...output }: T) {
  return { output_key: key, ...output }
}
