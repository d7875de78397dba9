/** Comments being written, one for each photograph. They outlive every change of state, region and screen, but not a reload. */
import { newId } from './ids'
import { Store } from './store'

interface Draft {
  text: string
  /** Given at the first attempt to post exactly this text; another text is another comment. */
  commentId?: string
}

export class Drafts {
  readonly all = new Store<ReadonlyMap<string, Draft>>(new Map())

  text(photoId: string): string {
    return this.all.get().get(photoId)?.text ?? ''
  }

  write(photoId: string, text: string): void {
    if (text === this.text(photoId)) return
    this.put(photoId, text === '' ? null : { text })
  }

  /** The comment to post. Asking again without a change gives the same id again. */
  attempt(photoId: string): { message: string; commentId: string } {
    const draft = this.all.get().get(photoId) ?? { text: '' }
    const commentId = draft.commentId ?? newId()
    if (!draft.commentId) this.put(photoId, { ...draft, commentId })
    return { message: draft.text.trim(), commentId }
  }

  /** The comment was taken. What has been typed since stays. */
  posted(photoId: string, commentId: string): void {
    if (this.all.get().get(photoId)?.commentId === commentId) this.put(photoId, null)
  }

  get any(): boolean {
    return this.all.get().size > 0
  }

  clear(): void {
    this.all.set(new Map())
  }

  private put(photoId: string, draft: Draft | null): void {
    const next = new Map(this.all.get())
    if (draft) next.set(photoId, draft)
    else next.delete(photoId)
    this.all.set(next)
  }
}
