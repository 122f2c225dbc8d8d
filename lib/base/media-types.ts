/** The media types of images, by extension in lower case. */
export const IMAGE_TYPES: Readonly<Record<string, string>> = {
  png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', webp: 'image/webp', gif: 'image/gif'
}

const INFO_TYPES: Readonly<Record<string, string>> = {
  csv: 'text/csv; charset=utf-8', tsv: 'text/tab-separated-values; charset=utf-8', json: 'application/json', gz: 'application/gzip'
}

/** The media type of an info file or image, by the extension of its name; `application/octet-stream` for other extensions. */
export function contentTypeOf (name: string): string {
  const extension = name.slice(name.lastIndexOf('.') + 1).toLowerCase()
  return INFO_TYPES[extension] ?? IMAGE_TYPES[extension] ?? 'application/octet-stream'
}
