/** A condition that was probably not intended but does not stop the service. The codes are stable; more may be added. */
export interface Warning {
  readonly code: WarningCode
  /** One or two human-readable sentences. */
  readonly detail: string
}

/** All codes of warnings. */
export const WARNING_CODES = [
  'nothing_usable',
  'skipped_files',
  'unknown_output_column',
  'snapshot_damaged',
  'snapshot_not_readable',
  'snapshot_not_writable',
  'state_not_readable',
  'state_not_writable',
  'output_not_writable'
] as const
export type WarningCode = (typeof WARNING_CODES)[number]
