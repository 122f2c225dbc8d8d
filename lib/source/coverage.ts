/** How much of a lake has been read. */
export interface Coverage { readonly infoFiles: number, readonly unread: number }

/** Nothing that could not be read is known. */
export const ALL_READ: Coverage = { infoFiles: 0, unread: 0 }

/** Whether enough of a lake has been read to serve it: at least 99 % of its info files. Files that are rejected because of their content count as read. */
export function isCovered ({ infoFiles, unread }: Coverage): boolean {
  return 100 * unread <= infoFiles
}
