/** A condition that was probably not intended but does not stop the service. The codes are stable; more may be added. */
export interface Warning {
  readonly code: WarningCode
  /** One or two human-readable sentences. */
  readonly detail: string
  /** The message of the store, for the log only, as it may contain names. Absent if the store did not cause the warning. */
  readonly cause?: string
}

/** Replaces the detail of a warning that names files or columns of the lake, in responses that must not contain such names. */
export const GENERAL_WARNINGS: Readonly<Partial<Record<WarningCode, string>>> = {
  nothing_usable: 'No object of the lake becomes a record; the log has the reasons',
  files_not_read: 'Many info files could not be read; the log has the reason of one of them',
  many_rejects: 'Many info files are rejected; the log has the most frequent reasons',
  unreadable_files: 'Some info files cannot be read; the log has the reason of one of them',
  skipped_files: 'The folder has entries that are not part of the lake; the log has examples',
  unknown_output_column: 'OUTPUT_COLUMNS has a column that no record has; the log names it'
}

/** All codes of warnings. */
export const WARNING_CODES = [
  'nothing_usable',
  'files_not_read',
  'unreadable_files',
  'many_rejects',
  'skipped_files',
  'unknown_output_column',
  'snapshot_damaged',
  'snapshot_not_readable',
  'snapshot_not_writable',
  'state_not_readable',
  'state_not_writable',
  'output_not_writable',
  'output_held',
  'conditional_writes_fail',
  'events_missed',
  'api_keys_not_readable'
] as const
export type WarningCode = (typeof WARNING_CODES)[number]
