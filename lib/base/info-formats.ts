/** The formats of info files: each is the extension of its objects, in lower case. */
export const INFO_FORMATS = ['csv', 'csv.gz', 'tsv', 'json'] as const
export type InfoFormat = (typeof INFO_FORMATS)[number]

/** The extensions of info files, for messages. */
export const INFO_EXTENSIONS = INFO_FORMATS.map((format) => `.${format}`).join(', ')

/** The encodings of info files. UTF-8 and UTF-16 may have a byte order mark. Without one, UTF-16 is big-endian if its first byte is 0, otherwise little-endian. */
export const INPUT_ENCODINGS = ['utf-8', 'utf-16', 'windows-1252', 'iso-8859-1'] as const
export type InputEncoding = (typeof INPUT_ENCODINGS)[number]

/** Which one of several info files of the same record is served: the one with the shortest key, or the one that was uploaded last. */
export const DUPLICATE_RULES = ['shortest', 'newest'] as const
export type DuplicateRule = (typeof DUPLICATE_RULES)[number]
