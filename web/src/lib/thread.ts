/** What is said about one photograph, oldest first: read page by page, looked at again at its end, and added to. */
import type { Comment, CommentPage } from './schema'
import { Store } from './store'

export interface Said {
  readonly comments: readonly Comment[]
  /** Posted from this page, and behind what has been read. */
  readonly own: readonly Comment[]
  readonly loaded: boolean
  readonly complete: boolean
  readonly failure: unknown
}

type ReadComments = (after: string | null, signal: AbortSignal) => Promise<CommentPage>

interface Page {
  after: string | null
  comments: readonly Comment[]
}

export class Thread {
  readonly said = new Store<Said>({ comments: [], own: [], loaded: false, complete: false, failure: null })
  #pages: readonly Page[] = []
  #next: string | null = null
  #posted: readonly Comment[] = []
  #reading: Promise<void> | null = null
  #stop = new AbortController()

  constructor(private readonly read: ReadComments) {}

  /** Reads on, from the beginning at first. */
  more(): Promise<void> {
    if (this.#pages.length > 0 && this.#next === null) return Promise.resolve()
    return this.once(signal => this.readPage(this.#pages, this.#next, signal))
  }

  /** Comments are only ever added, and at the end: the last page is read again. */
  look(): Promise<void> {
    const last = this.#pages.at(-1)
    return this.once(signal => this.readPage(this.#pages.slice(0, -1), last ? last.after : null, signal))
  }

  /** What is being read comes from a region that is left. */
  stop(): void {
    this.#stop.abort()
    this.#stop = new AbortController()
    this.#reading = null
  }

  posted(comment: Comment): void {
    this.#posted = [...this.#posted.filter(other => other.commentId !== comment.commentId), comment]
    this.publish(null)
    void this.look()
  }

  /** One reading at a time; many callers share it. What went wrong is shown, not thrown. */
  private once(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#reading ??= this.attempt(work, this.#stop.signal)
    return this.#reading
  }

  private async attempt(work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    const failure = await work(signal).then(
      () => null,
      (error: unknown) => error,
    )
    if (signal.aborted) return
    this.#reading = null
    this.publish(failure)
  }

  private async readPage(before: readonly Page[], after: string | null, signal: AbortSignal): Promise<void> {
    const { comments, next } = await this.read(after, signal)
    signal.throwIfAborted()
    this.#pages = [...before, { after, comments }]
    this.#next = next
  }

  private publish(failure: unknown): void {
    const comments = unique(this.#pages.flatMap(page => page.comments))
    const known = new Set(comments.map(comment => comment.commentId))
    this.#posted = this.#posted.filter(comment => !known.has(comment.commentId))
    const loaded = this.#pages.length > 0
    this.said.set({ comments, own: this.#posted, loaded, complete: loaded && this.#next === null, failure })
  }
}

const unique = (comments: readonly Comment[]): Comment[] => [
  ...new Map(comments.map(comment => [comment.commentId, comment])).values(),
]

const KEPT_MOST = 50

/** The threads of this page; those looked at longest ago are forgotten. */
export class Threads {
  readonly #kept = new Map<string, Thread>()

  constructor(private readonly read: (photoId: string, ...wanted: Parameters<ReadComments>) => Promise<CommentPage>) {}

  of(photoId: string): Thread {
    const thread = this.#kept.get(photoId) ?? new Thread((...wanted) => this.read(photoId, ...wanted))
    this.#kept.delete(photoId)
    this.#kept.set(photoId, thread)
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT_MOST) break
      this.#kept.delete(oldest)
    }
    return thread
  }

  /** The region is left: whoever shows a thread looks at it again. */
  stop(): void {
    for (const thread of this.#kept.values()) thread.stop()
  }

  clear(): void {
    this.stop()
    this.#kept.clear()
  }
}
