import { ago, longDate } from '../lib/format'
import { isMissing } from '../lib/errors'
import type { Comment } from '../lib/schema'
import { useSituation } from '../context'
import { Initial } from '../ui/Initial'
import { useComments } from './useComments'
import { useOnScreen } from './useOnScreen'

export function Comments({ photoId }: { photoId: string }) {
  const { list, comments, own } = useComments(photoId)
  const { writable } = useSituation()
  const load = () => {
    if (!list.isFetching) void list.fetchNextPage()
  }
  const more = useOnScreen<HTMLLIElement>(load, `${list.hasNextPage} ${list.data?.pages.length}`, '200px')
  return (
    <ol className="comments" aria-label="Comments" tabIndex={0}>
      {comments.map(comment => (
        <Line key={comment.commentId} comment={comment} />
      ))}
      {list.hasNextPage && (
        <li ref={more}>
          <button className="button small" onClick={load}>
            More comments
          </button>
        </li>
      )}
      {own.map(comment => (
        <Line key={comment.commentId} comment={comment} fresh />
      ))}
      {list.isSuccess && comments.length + own.length === 0 && (
        <li className="muted">{writable ? 'No comments yet. Yours could be the first.' : 'No comments yet.'}</li>
      )}
      {list.isError && comments.length === 0 && (
        <li className="error">
          {isMissing(list.error) ? 'This photograph has been deleted.' : 'The comments did not load. We try again by ourselves.'}
        </li>
      )}
    </ol>
  )
}

/** A fresh one was just posted here, and is brought into view. */
const Line = ({ comment, fresh = false }: { comment: Comment; fresh?: boolean }) => (
  <li className="comment" ref={fresh ? intoView : null}>
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

const intoView = (line: HTMLLIElement | null) => line?.scrollIntoView({ block: 'nearest' })
