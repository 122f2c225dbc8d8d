import { randomBytes } from 'node:crypto'

/** The trace that a request is part of (W3C Trace Context). Plain data that can be posted to another thread. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** The flags that are passed on, as a number: whether the trace is sampled (1), and whether its id is random (2). */
  readonly flags: number
}

const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-([\da-f]{2})(-.*)?$/
const KNOWN_FLAGS = 0b11
const SPAN_ID_BYTES = 8

/**
 * Returns the trace of a `traceparent` header (W3C Trace Context, level 2); `undefined` if the header is absent or not valid. Versions after 00 may have
 * further parts.
 */
export function traceOf (traceparent: string | readonly string[] | undefined): TraceContext | undefined {
  if (typeof traceparent !== 'string') return undefined
  const [, traceId, flags, more] = TRACEPARENT.exec(traceparent) ?? []
  if (traceId === undefined || (more !== undefined && traceparent.startsWith('00'))) return undefined
  return { traceId, flags: parseInt(flags!, 16) & KNOWN_FLAGS }
}

/** Returns the `traceparent` header of a request that is sent as part of a trace. Each has a span id of its own. */
export function childTraceparent ({ traceId, flags }: TraceContext): string {
  return `00-${traceId}-${randomBytes(SPAN_ID_BYTES).toString('hex')}-0${flags}`
}
