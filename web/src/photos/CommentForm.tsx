/** Writing a comment. The text lives in the drafts, so that nothing that happens to the page takes it away. */
import { useId, type FormEvent, type KeyboardEvent } from 'react'
import { useLightbox, useSituation, useStore } from '../context'
import { isFence, isMissing, Unreachable } from '../lib/errors'
import { usePost } from './useComments'

const NEARLY = 0.9

export function CommentForm({ photoId }: { photoId: string }) {
  const { drafts, config } = useLightbox()
  const { writable } = useSituation()
  const text = useStore(drafts.all).get(photoId)?.text ?? ''
  const post = usePost(photoId)
  const hint = useId()
  const most = config.limits.commentCharacters
  const ready = writable && text.trim() !== '' && !post.busy

  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (ready) post.post()
  }
  const submitByKey = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === 'Enter' && (event.metaKey || event.ctrlKey)) event.currentTarget.form?.requestSubmit()
  }
  return (
    <form className="comment-form" onSubmit={submit}>
      <textarea
        aria-label="Your comment"
        aria-describedby={hint}
        placeholder={writable ? 'Say something about it' : 'You can write now, and post once writing resumes'}
        rows={2}
        maxLength={most}
        value={text}
        onChange={event => drafts.write(photoId, event.target.value)}
        onKeyDown={submitByKey}
      />
      <div className="comment-foot">
        <p id={hint} className={post.error ? 'error' : 'fine muted'} role={post.error ? 'alert' : undefined}>
          {post.error ? failureWords(post.error, writable) : room(text.length, most)}
        </p>
        <button className="button primary small" disabled={!ready}>
          {post.busy ? 'Posting…' : 'Post'}
        </button>
      </div>
    </form>
  )
}

const room = (used: number, most: number) => (used > most * NEARLY ? `${most - used} characters left` : '')

function failureWords(error: unknown, writable: boolean): string {
  if (isFence(error)) {
    return writable
      ? 'The service moved on while you wrote, so this was not posted. It is kept here: post it again.'
      : 'Writing was paused just now, so this was not posted. It is kept here: post it once writing resumes.'
  }
  if (error instanceof Unreachable)
    return 'There was no answer. Your text is kept; posting it again will not post it twice.'
  if (isMissing(error)) return 'This photograph has been deleted.'
  return error instanceof Error ? error.message : String(error)
}
