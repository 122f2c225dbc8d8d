/** The formats of info files: each is the extension of its objects, in lower case. */
export const INFO_FORMATS = ['csv', 'csv.gz', 'tsv', 'json'] as const
export type InfoFormat = (typeof INFO_FORMATS)[number]
