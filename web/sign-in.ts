import { messageOf, type Api, type ApiError } from './api.js'
import { byId, setText } from './dom.js'

/** The dialog that asks for an API key or a token. The key is kept until the tab is closed. */
export class SignIn {
  readonly #api: Api
  readonly #onChange: () => void
  readonly #dialog = byId<HTMLDialogElement>('sign-in')
  readonly #input = byId<HTMLInputElement>('sign-in-key')
  readonly #message = byId('sign-in-message')
  readonly #out = byId<HTMLButtonElement>('sign-out')

  constructor (api: Api, onChange: () => void) {
    this.#api = api
    this.#onChange = onChange
    byId('sign-in-form').addEventListener('submit', (event) => {
      event.preventDefault()
      this.#try(this.#input.value.trim())
    })
    this.#out.addEventListener('click', () => {
      api.key = undefined
      location.reload()
    })
    this.#showState()
  }

  /** Asks for a key, because a request had none or one that is not valid. */
  ask (error: ApiError): void {
    if (this.#dialog.open) return
    setText(this.#message, this.#api.key === undefined ? '' : error.message)
    this.#api.key = undefined
    this.#showState()
    this.#dialog.showModal()
  }

  async #try (key: string): Promise<void> {
    // Other characters cannot be sent in a header.
    if (!/^[\w.~+/-]+=*$/.test(key)) return this.#fail('A key has letters, digits and the characters - . _ ~ + / = only.')
    this.#api.key = key
    try {
      await this.#api.send('schema')
    } catch (error) {
      this.#api.key = undefined
      return this.#fail(messageOf(error))
    }
    this.#input.value = ''
    this.#dialog.close()
    this.#showState()
    this.#onChange()
  }

  #fail (message: string): void {
    setText(this.#message, message)
    this.#input.focus()
    this.#input.select()
  }

  #showState (): void {
    this.#out.hidden = this.#api.key === undefined
  }
}
