let codec: Promise<typeof import('./snapshot.js')> | undefined

/** Loads the code that encodes and decodes snapshots, once. The modules of Arrow take 35 ms, and threads that neither decode nor encode a snapshot do not need them. */
export function loadCodec (): Promise<typeof import('./snapshot.js')> {
  codec ??= import('./snapshot.js')
  return codec
}
