/** From nothing to a bound region: `uiConfig.json` from the edge, then the state from the primary or the secondary. */
import { loadConfig, type UiConfig } from './config'
import { Connection, NothingAnswers } from './connection'
import { Lightbox } from './lightbox'

/** Keeps what it already has, so that a retry does not ask again for what is known. */
export class Boot {
  #config: UiConfig | null = null
  #connection: Connection | null = null

  async run(): Promise<Lightbox> {
    this.#config ??= await loadConfig()
    this.#connection ??= new Connection(this.#config)
    await this.#connection.open()
    return new Lightbox(this.#connection)
  }
}

export function explain(error: unknown): { title: string; text: string } {
  if (error instanceof NothingAnswers) {
    return {
      title: 'Neither region answers',
      text: 'Lightbox runs in two regions, and just now neither can be reached from here. Your photographs are kept in both.',
    }
  }
  return {
    title: 'Lightbox did not load',
    text: `The page could not read its settings (${error instanceof Error ? error.message : String(error)}).`,
  }
}
