/**
 * Follows the state of the application, and decides which region this page talks to.
 * Two loops while the page is visible: one listens to the bound region, one looks at the other region now and then,
 * so that a failover is heard of even if the bound region is dead, or alive and out of date.
 */
import { otherRegion, regionConfig, type Fetch, type UiConfig } from './config'
import { backoffMs, pause } from './pause'
import { EventParser, readText } from './sse'
import { parseState, readState, type StateDocument } from './state'
import { Store } from './store'
import { blankView, heard, homeOf, isStale, movedTo, silent, told, type View } from './view'

export interface Timing {
  stateTimeoutMs: number
  pollMs: number
  /** A stream that says nothing for this long is dead: regions send a keep-alive every 15 s. */
  streamSilenceMs: number
  reconnectFirstMs: number
  reconnectMostMs: number
  lookMs: number
  /** How often to look when the page is not where it belongs. */
  lookSoonMs: number
}

export const TIMING: Timing = {
  stateTimeoutMs: 1_500,
  pollMs: 5_000,
  streamSilenceMs: 20_000,
  reconnectFirstMs: 500,
  reconnectMostMs: 5_000,
  lookMs: 15_000,
  lookSoonMs: 3_000,
}

export class NothingAnswers extends Error {
  override name = 'NothingAnswers'
}

export class Connection {
  readonly view: Store<View>
  #following: AbortController | null = null
  #listening = new AbortController()
  #probe: Promise<void> | null = null

  constructor(
    readonly config: UiConfig,
    private readonly request: Fetch = (...call) => fetch(...call),
    private readonly timing: Timing = TIMING,
  ) {
    this.view = new Store(blankView(config))
  }

  /** Asks the primary, then if need be the secondary. Rejects with NothingAnswers if neither can be asked. */
  async open(): Promise<void> {
    await this.ask(this.config.primary)
    if (this.view.get().bound === null) await this.ask(this.config.secondary)
    if (this.view.get().bound === null) throw new NothingAnswers('Neither region answers.')
  }

  /** Follows until `pauseFollowing`. The first thing it does is to read the state. */
  follow(): void {
    if (this.#following) return
    const following = new AbortController()
    this.#following = following
    void this.listenLoop(following.signal)
    void this.lookLoop(following.signal)
  }

  /** A hidden page holds no stream open: browsers allow few connections to one origin. */
  pauseFollowing(): void {
    this.#following?.abort()
    this.#following = null
    this.#listening.abort()
  }

  /** A refusal brought a state document along. */
  adopt(document: unknown): void {
    try {
      this.publish(told(this.view.get(), parseState(document)))
    } catch {
      void this.check()
    }
  }

  /** Something did not answer: find out at once which regions are there. Many callers share one check. */
  check(): Promise<void> {
    this.#probe ??= this.probe().finally(() => {
      this.#probe = null
    })
    return this.#probe
  }

  /** Goes to a region, if it answers. */
  async moveTo(region: string): Promise<boolean> {
    if (!(await this.ask(region))) return false
    this.publish(movedTo(this.view.get(), region))
    return true
  }

  private async probe(): Promise<void> {
    const { bound } = this.view.get()
    if (bound === null) return
    const other = otherRegion(this.config, bound)
    if (!(await this.ask(bound))) await this.ask(other)
  }

  /** True if the region answered with a state document, even an old one. */
  private async ask(region: string): Promise<boolean> {
    try {
      const document = await readState(regionConfig(this.config, region), this.request, this.timing.stateTimeoutMs)
      this.hear(region, document)
      return true
    } catch {
      this.publish(silent(this.config, this.view.get(), region))
      return false
    }
  }

  private hear(region: string, document: StateDocument): void {
    const before = this.view.get()
    this.publish(heard(this.config, before, region, document))
    if (isStale(before, document) && region === before.bound) void this.ask(otherRegion(this.config, region))
  }

  private publish(view: View): void {
    const rebound = view.bound !== this.view.get().bound
    this.view.set(view)
    if (rebound) this.#listening.abort()
  }

  private async listenLoop(following: AbortSignal): Promise<void> {
    for (let attempt = 0; !following.aborted;) {
      await this.check()
      const { bound } = this.view.get()
      if (following.aborted || bound === null) return
      this.#listening = new AbortController()
      const { signal } = this.#listening
      const heardAny = await this.listen(bound, signal)
      attempt = heardAny ? 0 : attempt + 1
      if (!following.aborted)
        await pause(backoffMs(attempt, this.timing.reconnectFirstMs, this.timing.reconnectMostMs), signal)
    }
  }

  private async lookLoop(following: AbortSignal): Promise<void> {
    while (!following.aborted) {
      const { bound } = this.view.get()
      if (bound !== null) await this.ask(otherRegion(this.config, bound))
      await pause(this.isHome() ? this.timing.lookMs : this.timing.lookSoonMs, following)
    }
  }

  private isHome(): boolean {
    const { document, bound, reach } = this.view.get()
    return document !== null && bound === homeOf(this.config, document) && reach[bound] === 'up'
  }

  /** Until the stream ends, breaks or goes quiet, or, where there is none, for one polling interval. Never rejects. */
  private async listen(region: string, signal: AbortSignal): Promise<boolean> {
    const { eventsUrl } = regionConfig(this.config, region)
    if (!eventsUrl || this.view.get().reach[region] === 'down') {
      await pause(eventsUrl ? 0 : this.timing.pollMs, signal)
      return !eventsUrl
    }
    let heardAny = false
    const hear = (document: StateDocument) => {
      heardAny = true
      this.hear(region, document)
    }
    await this.stream(eventsUrl, signal, hear).catch(() => {})
    return heardAny
  }

  private async stream(url: string, signal: AbortSignal, hear: (document: StateDocument) => void): Promise<void> {
    const quiet = new AbortController()
    let timer = setTimeout(() => quiet.abort(), this.timing.streamSilenceMs)
    const stop = AbortSignal.any([signal, quiet.signal])
    try {
      const answer = await this.request(url, {
        headers: { Accept: 'text/event-stream' },
        cache: 'no-store',
        signal: stop,
      })
      if (!answer.ok || !answer.body) throw new Error(`Events: HTTP ${answer.status}`)
      const parser = new EventParser()
      await readText(answer.body, text => {
        clearTimeout(timer)
        timer = setTimeout(() => quiet.abort(), this.timing.streamSilenceMs)
        for (const { event, data } of parser.push(text)) if (event === 'state') hear(parseState(JSON.parse(data)))
      })
    } finally {
      clearTimeout(timer)
      quiet.abort() // also closes a stream that was left because of what it said
    }
  }
}
