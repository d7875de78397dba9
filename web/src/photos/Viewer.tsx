/** One photograph, large, with what people said about it. */
import { useEffect, useState } from 'react'
import { useLocation } from 'wouter'
import { mayDelete, type User } from '../lib/auth'
import { ago, bytes, longDate } from '../lib/format'
import type { Photo } from '../lib/schema'
import { CloseIcon, DeleteIcon, LeftIcon, RightIcon } from '../ui/icons'
import { Dialog } from '../ui/Dialog'
import { StateBanner } from '../ui/StateBanner'
import { useSituation } from '../context'
import { CommentForm } from './CommentForm'
import { Comments } from './Comments'
import { DeleteDialog } from './DeleteDialog'
import { titleOf, UNTITLED } from './titleOf'
import { Stage } from './Stage'
import type { usePhotos } from './usePhotos'

interface Props {
  photoId: string
  photos: readonly Photo[]
  list: ReturnType<typeof usePhotos>['list']
  user: User
  onClose(): void
}

export default function Viewer({ photoId, photos, list, user, onClose }: Props) {
  const at = photos.findIndex(photo => photo.photoId === photoId)
  const photo = photos[at]
  useFind(photo === undefined || at === photos.length - 1, list)
  const steps = useSteps(photos[at - 1], photos[at + 1])
  return (
    <Dialog label={photo ? titleOf(photo) : 'Photograph'} className="viewer" onClose={onClose}>
      {photo ? (
        <>
          <Stage key={photoId} photo={photo} steps={steps} />
          <Aside key={`about ${photoId}`} photo={photo} user={user} steps={steps} onClose={onClose} />
        </>
      ) : (
        <Missing looking={list.isFetching || list.hasNextPage} onClose={onClose} />
      )}
    </Dialog>
  )
}

/** Loads on while the photograph has not been found, or is the last one known. */
function useFind(wanted: boolean, list: Props['list']): void {
  const { hasNextPage, isFetching, isError, fetchNextPage } = list
  useEffect(() => {
    if (wanted && hasNextPage && !isFetching && !isError) void fetchNextPage()
  }, [wanted, hasNextPage, isFetching, isError, fetchNextPage])
}

export interface Steps {
  previous?: () => void
  next?: () => void
}

/** To the neighbours, by button and by arrow key; while text is being written the keys belong to the text. */
function useSteps(before: Photo | undefined, after: Photo | undefined): Steps {
  const [, go] = useLocation()
  const to = (photo: Photo | undefined) => (photo ? () => go(`/p/${photo.photoId}`, { replace: true }) : undefined)
  const previous = to(before)
  const next = to(after)
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.target instanceof HTMLTextAreaElement || event.altKey || event.ctrlKey || event.metaKey) return
      if (event.key === 'ArrowLeft') previous?.()
      if (event.key === 'ArrowRight') next?.()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  })
  return { ...(previous ? { previous } : {}), ...(next ? { next } : {}) }
}

interface AsideProps {
  photo: Photo
  user: User
  steps: Steps
  onClose(): void
}

function Aside({ photo, user, steps, onClose }: AsideProps) {
  const [deleting, setDeleting] = useState(false)
  const { writable } = useSituation()
  return (
    <aside>
      <div className="viewer-bar">
        <button
          className="button icon narrow-only"
          onClick={steps.previous}
          disabled={!steps.previous}
          aria-label="Newer"
        >
          <LeftIcon />
        </button>
        <button className="button icon narrow-only" onClick={steps.next} disabled={!steps.next} aria-label="Older">
          <RightIcon />
        </button>
        <span className="viewer-bar-gap" />
        {mayDelete(user, photo.user) && (
          <button
            className="button icon"
            onClick={() => setDeleting(true)}
            disabled={!writable}
            aria-label="Delete"
            title="Delete"
          >
            <DeleteIcon />
          </button>
        )}
        <button className="button icon" onClick={onClose} aria-label="Close" title="Close">
          <CloseIcon />
        </button>
      </div>
      <About photo={photo} />
      <StateBanner />
      <Comments photoId={photo.photoId} />
      <CommentForm photoId={photo.photoId} />
      {deleting && <DeleteDialog photo={photo} onClose={() => setDeleting(false)} onDeleted={onClose} />}
    </aside>
  )
}

const About = ({ photo }: { photo: Photo }) => (
  <div className="about">
    <h2 className="display">{photo.caption || UNTITLED}</h2>
    <p className="muted">
      {photo.user} ·{' '}
      <time dateTime={photo.createdAt} title={longDate(photo.createdAt)}>
        {ago(photo.createdAt)}
      </time>{' '}
      · {photo.width} × {photo.height}, {bytes(photo.size)}
    </p>
  </div>
)

const Missing = ({ looking, onClose }: { looking: boolean; onClose(): void }) => (
  <div className="missing" aria-busy={looking}>
    {looking ? (
      <p className="muted">Looking for the photograph…</p>
    ) : (
      <>
        <h2 className="display">This photograph is not here</h2>
        <p className="muted">It may have been deleted, or not have reached this region yet.</p>
      </>
    )}
    <button className="button" onClick={onClose}>
      Back to all photographs
    </button>
  </div>
)
