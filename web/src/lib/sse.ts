/** Server-sent events read with fetch: unlike EventSource, a reader can be stopped, timed and tested. */

export interface ServerEvent {
  event: string
  data: string
}

/** Cuts a stream of text into events; lines may be cut anywhere, and end in LF, CR or CRLF. */
export class EventParser {
  #rest = ''
  #event = ''
  #data: string[] = []

  /** The events completed by this piece of text. */
  push(text: string): ServerEvent[] {
    // A CR at the very end may be the first half of a CRLF: it waits for the next piece.
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/)
    this.#rest = lines.pop() ?? ''
    return lines.flatMap(line => this.#line(line) ?? [])
  }

  #line(line: string): ServerEvent | null {
    if (line === '') return this.#dispatch()
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
    if (field === 'event') this.#event = value
    if (field === 'data') this.#data.push(value)
    return null
  }

  #dispatch(): ServerEvent | null {
    const complete = this.#data.length > 0 ? { event: this.#event || 'message', data: this.#data.join('\n') } : null
    this.#event = ''
    this.#data = []
    return complete
  }
}

/** Calls `onChunk` for whatever arrives, keep-alives included, until the stream ends or breaks. */
export async function readText(body: ReadableStream<Uint8Array>, onChunk: (text: string) => void): Promise<void> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    onChunk(decoder.decode(value, { stream: true }))
  }
}
