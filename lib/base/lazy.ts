/** A result that is made when it is first needed. After a failure, it is made again when it is needed next. */
export class Lazy<T> {
  readonly #make: () => Promise<T>
  #begun: Promise<T> | undefined

  constructor (make: () => Promise<T>) {
    this.#make = make
  }

  /** The result that is made or being made; `undefined` if it was not needed yet, or if the last attempt has failed. */
  get begun (): Promise<T> | undefined {
    return this.#begun
  }

  get (): Promise<T> {
    if (this.#begun === undefined) {
      const begun = this.#make()
      this.#begun = begun
      begun.catch(() => { this.#begun = undefined })
    }
    return this.#begun
  }
}
