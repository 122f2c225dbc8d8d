import type { UpdateReport } from '../lib/transformer.js'

type Output = Pick<UpdateReport, 'key' | 'etag' | 'bytes' | 'skipped'>

/** The result of a job with the names that the API and the log use. Without the phases. */
export function toWireResult ({ otherOutputs, warnings, phases, ...output }: UpdateReport) {
  return { ...toWireOutput(output), other_outputs: otherOutputs.map(toWireOutput), warnings: [...warnings] }
}

function toWireOutput<T extends Output> ({ key, ...output }: T) {
  return { output_key: key, ...output }
}
