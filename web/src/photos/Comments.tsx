import { useEffect, useRef } from 'react'
import { ago, longDate } from '../lib/format'
import { isMissing } from '../lib/errors'
import type { Comment } from '../lib/schema'
import { useSituation } from '../context'
import { Initial } from '../ui/Initial'
import { useComments } from './useComments'
import { useOnScreen } from './useOnScreen'

export function Comments({ photoId }: { photoId: string }) {
  const { comments, own, loaded, complete, failure, more } = useComments(photoId)
  const { writable } = useSituation()
  const end = useOwnInView(own.at(-1)?.commentId, comments.length)
  const rest = useOnScreen<HTMLLIElement>(more, loaded && !complete && failure === null, '200px')
  const lines = (those: readonly Comment[]) => those.map(comment => <Line key={comment.commentId} comment={comment} />)
  const unread = loaded && !complete && (
    <li key="unread" ref={rest}>
      <button className="button small" onClick={more}>
        More comments
      </button>
    </li>
  )
  return (
    <ol className="comments" aria-label="Comments" tabIndex={0}>
      {/* One list, so that a comment that was posted here is not taken out and put in again once it has been read. */}
      {[...lines(comments), unread, ...lines(own)]}
      <li ref={end} />
      {loaded && comments.length + own.length === 0 && (
        <li className="muted">{writable ? 'No comments yet. Yours could be the first.' : 'No comments yet.'}</li>
      )}
      {failure !== null && comments.length === 0 && (
        <li className="error">
          {isMissing(failure)
            ? 'This photograph has been deleted.'
            : 'The comments did not load. We try again by ourselves.'}
        </li>
      )}
    </ol>
  )
}

const Line = ({ comment }: { comment: Comment }) => (
  <li className="comment">
    <Initial name={comment.user} />
    <div>
      <p className="comment-head">
        <b>{comment.user}</b>
        <time className="muted" dateTime={comment.createdAt} title={longDate(comment.createdAt)}>
          {ago(comment.createdAt)}
        </time>
      </p>
      <p className="comment-text">{comment.message}</p>
    </div>
  </li>
)

/** The end of the list, kept in view after posting, also while pages are loaded above it. */
function useOwnInView(lastOwn: string | undefined, loaded: number) {
  const end = useRef<HTMLLIElement>(null)
  useEffect(() => {
    if (lastOwn) end.current?.scrollIntoView({ block: 'nearest' })
  }, [lastOwn, loaded])
  return end
}
