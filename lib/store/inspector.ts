/** What a diagnosis needs of a store beyond `ObjectStore`. The service itself never deletes an object. */
export interface Inspector {
  /** The server in words, and the region of its requests. */
  readonly server: string
  /** By how many milliseconds the clock of the server is ahead, to the second; `undefined` if no response has contained its time yet, `null` if there is no server. */
  readonly clockOffsetMs: number | null | undefined
  /** The first keys after `after` that begin with `prefix`, at most `max`, by one request; `undefined` if the store has no such request. Rejects with a StoreError. */
  keysAfter (prefix: string, after: string | undefined, max: number): Promise<readonly string[] | undefined>
  /**
   * Why an object that was written with this prefix could not be removed completely, in words; `undefined` if it could. Finds out by trying: no object may begin with `prefix`, and
   * versions of earlier objects that do are removed. Rejects with a StoreError.
   */
  whyNotRemovable (prefix: string): Promise<string | undefined>
  /**
   * Removes the objects that begin with `prefix`, with all their versions. Rejects with a StoreError.
   *
   * @param prefix ends in a slash
   * @param keys the keys of these objects, all of them: a bucket without versions is not listed
   */
  remove (prefix: string, keys: readonly string[]): Promise<void>
  close (): Promise<void>
}
