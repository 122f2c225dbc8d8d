// The event streams of GET /changes, read by fetch, because EventSource sends no Authorization header.

export interface StreamEvent { readonly name: string, readonly id: string | undefined }

/** Reads the events of a stream from its text, which arrives in pieces. Their data is not kept: the page reads again what it shows. */
export class EventParser {
  #rest = ''
  #name = 'message'
  #id: string | undefined
  #hasData = false

  /** The events that end in the next piece of the text. */
  push (text: string): StreamEvent[] {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop()!
    return lines.flatMap((line) => this.#pushLine(line.replace(/\r$/, '')))
  }

  #pushLine (line: string): StreamEvent[] {
    if (line === '') {
      const event = { name: this.#name, id: this.#id }
      const isComplete = this.#hasData
      this.#name = 'message'
      this.#hasData = false
      return isComplete ? [event] : []
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line)!
    if (field === 'event') this.#name = value!
    if (field === 'id') this.#id = value
    if (field === 'data') this.#hasData = true
    return []
  }
}
