/** Something that is asked for again and again while the page is visible. What was known last stays, with its age. */
import { Refused, SignedOut } from '../lib/errors'
import { Store } from '../lib/store'

export interface Heard<T> {
  /** What was answered last; null until there was an answer. */
  value: T | null
  /** When that was, in milliseconds since 1970. */
  at: number | null
  /** Why the newest call failed; null if it did not. */
  failed: string | null
}

export class Feed<T> {
  readonly heard = new Store<Heard<T>>({ value: null, at: null, failed: null })
  #timer: ReturnType<typeof setTimeout> | undefined
  #running = false
  #runs = false
  #again = false

  constructor(
    private readonly ask: () => Promise<T>,
    private readonly everyMs: number,
  ) {}

  start(): void {
    this.#running = true
    this.refresh()
  }

  stop(): void {
    this.#running = false
    clearTimeout(this.#timer)
  }

  /** Now, and then at the usual pace; if a call is under way, once more after it. */
  refresh(): void {
    if (!this.#running) return
    this.#again = true
    if (!this.#runs) void this.run()
  }

  private async run(): Promise<void> {
    this.#runs = true
    clearTimeout(this.#timer)
    while (this.#again && this.#running) {
      this.#again = false
      await this.once()
    }
    this.#runs = false
    if (this.#running) this.#timer = setTimeout(() => this.refresh(), this.everyMs)
  }

  private async once(): Promise<void> {
    try {
      const value = await this.ask()
      this.heard.set({ value, at: Date.now(), failed: null })
    } catch (error) {
      this.heard.set({ ...this.heard.get(), failed: reason(error) })
    }
  }
}

const reason = (error: unknown): string =>
  error instanceof Refused || error instanceof SignedOut ? error.message : 'does not answer'
