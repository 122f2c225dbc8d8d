const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(-.*)?$/

/**
 * Returns the trace id of a `traceparent` header (W3C Trace Context, level 1); `undefined` if the header is absent or not valid. Versions after 00 may have
 * further parts.
 */
export function traceIdOf (traceparent: string | readonly string[] | undefined): string | undefined {
  if (typeof traceparent !== 'string') return undefined
  const [, traceId, more] = TRACEPARENT.exec(traceparent) ?? []
  return more !== undefined && traceparent.startsWith('00') ? undefined : traceId
}
