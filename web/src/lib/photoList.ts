/**
 * The gallery's photographs: read piece by piece, looked at again from the newest on, and given new addresses where the old
 * ones are used up. Reads one thing at a time, keeps its place through every change of region, and never starts over.
 */
import { appended, NOTHING, photosOf, reread, segmentOf, without, type Listing } from './listing'
import { SignedUrls } from './signedUrls'
import type { Photo, PhotoPage } from './schema'
import { Store } from './store'

export interface Shown {
  readonly photos: readonly Photo[]
  /** The first page has been read. */
  readonly loaded: boolean
  /** The last page has been read. */
  readonly complete: boolean
  readonly reading: boolean
  /** Why the last reading on failed; null when it did not. */
  readonly failure: unknown
}

export interface ListPorts {
  read(after: string | null, signal: AbortSignal): Promise<PhotoPage>
  /** The region that is read from: addresses of another one are of no use. */
  region(): string
  now(): number
}

const BLANK: Shown = { photos: [], loaded: false, complete: false, reading: false, failure: null }
/** More than this many new pages at once are read as the list is looked through. */
const GAPS_AT_ONCE = 4
const REST_MS = 5_000

export class PhotoList {
  readonly shown = new Store<Shown>(BLANK)
  readonly #urls = new SignedUrls()
  #listing: Listing = NOTHING
  #stop = new AbortController()
  #turn: Promise<void> = Promise.resolve()
  #reading: Promise<void> | null = null
  #refreshing: Promise<void> | null = null
  #renewing: Promise<void> | null = null
  #restUntilMs = 0
  /** What is on the screen, as indices. */
  #window: readonly [number, number] = [0, 0]

  constructor(private readonly ports: ListPorts) {}

  /** The first page, or the next one. Many callers share one reading; what went wrong is shown, not thrown. */
  more(): Promise<void> {
    const { loaded, complete } = this.shown.get()
    if (loaded && complete) return Promise.resolve()
    this.#reading ??= this.readOn(this.#stop.signal)
    return this.#reading
  }

  /** Looks for what is new. One that fails leaves the list as it is. */
  refresh(): Promise<void> {
    if (!this.shown.get().loaded) return this.more()
    this.#refreshing ??= this.readNewest(this.#stop.signal)
    return this.#refreshing
  }

  /** These are on the screen: if their addresses are used up, they get new ones. */
  look(from: number, to: number): void {
    this.#window = [from, to]
    if (this.#renewing || this.ports.now() < this.#restUntilMs) return
    const worn = this.shown.get().photos.slice(from, to).find(photo => !this.isGood(photo))
    if (worn) this.#renewing = this.renew(worn.photoId, this.#stop.signal)
  }

  /** An address did not load. */
  forget(photoId: string): void {
    this.#urls.forget(photoId)
  }

  remove(photoId: string): void {
    this.put(without(this.#listing, photoId))
  }

  /** What is being read comes from a region that is left: it is read again from the other one. */
  moved(): void {
    this.stop()
    this.patch({ reading: false })
    void this.refresh()
    this.look(...this.#window)
  }

  clear(): void {
    this.stop()
    this.#listing = NOTHING
    this.#urls.clear()
    this.shown.set(BLANK)
  }

  private stop(): void {
    this.#stop.abort()
    this.#stop = new AbortController()
    this.#reading = this.#refreshing = this.#renewing = null
    this.#restUntilMs = 0
  }

  private async readOn(signal: AbortSignal): Promise<void> {
    this.patch({ reading: true })
    const failure = await this.inTurn(signal, async () => {
      const page = await this.read(this.#listing.next, signal)
      this.put(appended(this.#listing, page))
      this.patch({ loaded: true })
    }).then(
      () => null,
      (error: unknown) => error,
    )
    if (signal.aborted) return
    this.#reading = null
    this.patch({ reading: false, failure })
  }

  private async readNewest(signal: AbortSignal): Promise<void> {
    for (let at = 0, reads = 0; at !== -1 && reads < GAPS_AT_ONCE; reads++) {
      if (!(await this.again(at, signal))) break
      at = this.#listing.segments.findIndex(segment => segment.gap)
    }
    if (!signal.aborted) this.#refreshing = null
  }

  private async renew(photoId: string, signal: AbortSignal): Promise<void> {
    const done = await this.again(segmentOf(this.#listing, photoId), signal)
    if (signal.aborted) return
    this.#renewing = null
    if (!done) this.#restUntilMs = this.ports.now() + REST_MS
    this.look(...this.#window)
  }

  private isGood({ photoId }: Photo): boolean {
    return this.#urls.isGood(photoId, this.ports.region(), this.ports.now())
  }

  /** Reads one segment again. False if that did not work. */
  private async again(at: number, signal: AbortSignal): Promise<boolean> {
    const segment = this.#listing.segments[at]
    if (!segment) return false
    const work = async () => {
      const page = await this.read(segment.after, signal)
      this.put(reread(this.#listing, this.#listing.segments.indexOf(segment), page))
    }
    return this.inTurn(signal, work).then(
      () => true,
      () => false,
    )
  }

  private async read(after: string | null, signal: AbortSignal): Promise<PhotoPage> {
    const region = this.ports.region()
    const page = await this.ports.read(after, signal)
    signal.throwIfAborted()
    return { ...page, photos: this.#urls.settle(page.photos, region, this.ports.now()) }
  }

  /** After whatever is being read. */
  private inTurn(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(() => {
      signal.throwIfAborted()
      return work()
    })
    this.#turn = done.catch(() => {})
    return done
  }

  private put(listing: Listing): void {
    this.#listing = listing
    this.patch({ photos: photosOf(listing), complete: listing.next === null })
  }

  private patch(change: Partial<Shown>): void {
    this.shown.set({ ...this.shown.get(), ...change })
  }
}
