/**
 * How much of a lake has been read: the number of listed info files, and of those that are unread. A file is unread if it is rejected with `download_failed`, and no earlier
 * version of it is served. All other rejected files count as read.
 */
export interface Coverage { readonly infoFiles: number, readonly unread: number }

/** The coverage of a lake without known unread files. */
export const ALL_READ: Coverage = { infoFiles: 0, unread: 0 }

/** Whether enough of a lake has been read to serve it: at least 99 % of its info files. */
export function isCovered ({ infoFiles, unread }: Coverage): boolean {
  return 100 * unread <= infoFiles
}
