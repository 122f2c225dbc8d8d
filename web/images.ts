import type { Api } from './api.js'
import { element } from './dom.js'

/** The maximum number of images that are kept in memory if there is an API key. */
const MAX_KEPT = 300

/** Whether a key is that of an image. The service does not serve the content of other attachments. */
export const isImage = (key: unknown): key is string => /\.(png|jpe?g|webp|gif)$/i.test(String(key))

/** Images of records. `<img>` cannot send an API key: if there is one, the image is read by `fetch` and shown from memory. */
export class Images {
  readonly #api: Api
  readonly #urls = new Map<string, Promise<string>>()

  constructor (api: Api) {
    this.#api = api
  }

  /** An image that is loaded when it comes into view. If it cannot be loaded, `onError` gets it. */
  make (path: string, alt: string, onError: (image: HTMLImageElement) => void): HTMLImageElement {
    const image = element('img', { alt, loading: 'lazy', decoding: 'async' })
    image.addEventListener('error', () => onError(image))
    if (this.#api.key === undefined) image.src = path
    else this.#load(path).then((url) => { image.src = url }, () => onError(image))
    return image
  }

  /** Forgets all images: called when the API key has changed and before current data is shown. */
  clear (): void {
    for (const path of [...this.#urls.keys()]) this.#forget(path)
  }

  #load (path: string): Promise<string> {
    const known = this.#urls.get(path)
    if (known !== undefined) return known
    const url = this.#api.send(path).then(async (response) => URL.createObjectURL(await response.blob()))
    this.#urls.set(path, url)
    url.catch(() => this.#urls.delete(path))
    if (this.#urls.size > MAX_KEPT) this.#forget(this.#urls.keys().next().value!)
    return url
  }

  #forget (path: string): void {
    this.#urls.get(path)?.then((url) => URL.revokeObjectURL(url), () => {})
    this.#urls.delete(path)
  }
}
