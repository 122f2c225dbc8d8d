/** The defaults of the library and of the settings. Durations, shares and sizes are in the notation of the settings. */
export const DEFAULTS = {
  sourcePrefix: 'source_data/',
  outputKey: 'processed_data/output.csv',
  imageExtensions: ['png', 'jpg', 'jpeg', 'webp', 'gif'],
  delimiter: ',',
  inputEncoding: 'utf-8',
  duplicates: 'shortest',
  timeZone: 'UTC',
  maxStaleness: '2s',
  refreshWait: '1s',
  maxStaleIfError: 'unlimited',
  maxLoss: '20%',
  versionsMaxAge: '10m',
  versionsMaxBytes: 'auto',
  indexMaxBytes: 'auto',
  responsesMaxBytes: 'auto',
  maxDownloads: 512
} as const
