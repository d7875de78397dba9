/**
 * Photographs that somebody wants deleted. Each waits a while, in which it can be taken back, before anything is sent.
 * They are kept in this browser, one key each, so that a deletion that was asked for is neither forgotten with the page
 * nor done behind the reader's back: the next page takes it up, with the whole time to take it back.
 */
import { isFence, isMissing, Unreachable } from './errors'
import { Store } from './store'

export interface Deletion {
  readonly photoId: string
  readonly title: string
  /** waiting: can be taken back; sending; held: not done, for the reason in `note`, and can be asked for again. */
  readonly phase: 'waiting' | 'sending' | 'held'
  readonly note: string
}

export interface DeletionPorts {
  send(photoId: string): Promise<void>
  isWritable(): boolean
  onDone(photoId: string): void
  onFence(state: unknown): void
  storage: Storage
  /** Calls back after the time, unless the function that it returns is called before. */
  after(ms: number, call: () => void): () => void
}

export const UNDO_MS = 10_000
const KEPT_MOST = 50
const PAUSED = 'Writing is paused, so it was not deleted.'

export class Deletions {
  readonly all = new Store<readonly Deletion[]>([])
  readonly #timers = new Map<string, () => void>()
  #place: string | null = null

  constructor(private readonly ports: DeletionPorts) {}

  /** Takes up what this user had asked for. `place` names the user and the deployment in this browser's storage. */
  open(place: string): void {
    if (place === this.#place) return
    this.close()
    this.#place = place
    const { storage } = this.ports
    for (const key of Object.keys(storage).filter(each => each.startsWith(place)))
      this.begin(key.slice(place.length), storage.getItem(key) ?? '')
  }

  /** Nobody's page any more. What is waiting stays in the storage. */
  close(): void {
    for (const stop of this.#timers.values()) stop()
    this.#timers.clear()
    this.#place = null
    this.all.set([])
  }

  ask(photoId: string, title: string): void {
    if (this.find(photoId) || this.#place === null) return
    this.ports.storage.setItem(this.#place + photoId, title)
    this.begin(photoId, title)
  }

  /** Another page of this browser did it, or took it back. */
  storageChanged(key: string | null, value: string | null): void {
    if (this.#place === null || !key?.startsWith(this.#place) || value !== null) return
    this.drop(key.slice(this.#place.length))
  }

  /** Too late once it is being sent. */
  undo(photoId: string): void {
    if (this.find(photoId)?.phase !== 'sending') this.drop(photoId)
    this.release()
  }

  /** Asks again for one that was held. */
  again(photoId: string): void {
    void this.send(photoId)
  }

  /** Before signing out: nobody will be there to take anything back. */
  async sendAll(): Promise<void> {
    await Promise.all(this.all.get().map(({ photoId, phase }) => (phase === 'waiting' ? this.send(photoId) : null)))
  }

  /** While somebody is about to take something back the time stands still. */
  hold(): void {
    for (const stop of this.#timers.values()) stop()
    this.#timers.clear()
  }

  release(): void {
    for (const { photoId, phase } of this.all.get())
      if (phase === 'waiting' && !this.#timers.has(photoId)) this.wait(photoId)
  }

  private begin(photoId: string, title: string): void {
    const [oldest] = this.all.get()
    if (oldest && this.all.get().length >= KEPT_MOST) void this.send(oldest.photoId)
    this.all.set([...this.all.get(), { photoId, title, phase: 'waiting', note: '' }])
    this.wait(photoId)
  }

  private wait(photoId: string): void {
    this.#timers.set(photoId, this.ports.after(UNDO_MS, () => void this.send(photoId)))
  }

  private async send(photoId: string): Promise<void> {
    this.#timers.get(photoId)?.()
    this.#timers.delete(photoId)
    if (!this.find(photoId) || this.find(photoId)?.phase === 'sending') return
    if (!this.ports.isWritable()) return this.patch(photoId, { phase: 'held', note: PAUSED })
    this.patch(photoId, { phase: 'sending', note: '' })
    try {
      await this.ports.send(photoId)
      this.done(photoId)
    } catch (error) {
      this.failed(photoId, error)
    }
  }

  private failed(photoId: string, error: unknown): void {
    // Already gone is what was asked for: an earlier attempt whose answer was lost, or somebody else.
    if (isMissing(error)) return this.done(photoId)
    if (isFence(error)) this.ports.onFence(error.state)
    this.patch(photoId, { phase: 'held', note: failureNote(error) })
  }

  private done(photoId: string): void {
    this.ports.onDone(photoId)
    this.drop(photoId)
  }

  private drop(photoId: string): void {
    this.#timers.get(photoId)?.()
    this.#timers.delete(photoId)
    if (this.#place !== null) this.ports.storage.removeItem(this.#place + photoId)
    this.all.set(this.all.get().filter(deletion => deletion.photoId !== photoId))
  }

  private find(photoId: string): Deletion | undefined {
    return this.all.get().find(deletion => deletion.photoId === photoId)
  }

  private patch(photoId: string, change: Partial<Deletion>): void {
    this.all.set(this.all.get().map(each => (each.photoId === photoId ? { ...each, ...change } : each)))
  }
}

/** Photographs that are on their way out are not shown; held ones are, because they are still there. */
export const hiddenBy = (deletions: readonly Deletion[]): ReadonlySet<string> =>
  new Set(deletions.filter(({ phase }) => phase !== 'held').map(({ photoId }) => photoId))

function failureNote(error: unknown): string {
  if (isFence(error)) return PAUSED
  if (error instanceof Unreachable) return 'There was no answer, so it may not have been deleted.'
  return error instanceof Error ? error.message : String(error)
}
