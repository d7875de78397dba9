/** One photograph, large, with what people said about it. */
import { useEffect, useRef } from 'react'
import { mayDelete, type User } from '../lib/auth'
import { ago, bytes, longDate } from '../lib/format'
import type { Photo } from '../lib/schema'
import { CloseIcon, DeleteIcon, LeftIcon, RightIcon } from '../ui/icons'
import { go } from '../route'
import { Dialog } from '../ui/Dialog'
import { StateBanner } from '../ui/StateBanner'
import { StatePill } from '../ui/StatePill'
import { useLightbox, useSituation } from '../context'
import { CommentForm } from './CommentForm'
import { Comments } from './Comments'
import type { List } from './Gallery'
import { titleOf, UNTITLED } from './titleOf'
import { Stage } from './Stage'

/** So many are known after the one that is looked at: whoever holds the arrow key down is not stopped at the end of a page. */
const AHEAD = 24

interface Props {
  photoId: string
  list: List
  user: User
  onClose(): void
}

export default function Viewer({ photoId, list, user, onClose }: Props) {
  const { photos } = list
  const at = photos.findIndex(photo => photo.photoId === photoId)
  const photo = photos[at]
  useFind(photo === undefined || at >= photos.length - AHEAD, list)
  useAhead(photos[at + 1])
  const steps = useSteps(photos[at - 1], photos[at + 1])
  return (
    <Dialog label={photo ? titleOf(photo) : 'Photograph'} className="viewer" onClose={onClose}>
      {photo ? (
        <>
          <Stage photo={photo} steps={steps} />
          <Beside photo={photo} user={user} steps={steps} onClose={onClose} />
        </>
      ) : (
        <Missing looking={list.failure === null && !list.complete} onClose={onClose} />
      )}
    </Dialog>
  )
}

/** Loads on while the photograph has not been found, or few are known after it. */
function useFind(wanted: boolean, { complete, reading, failure }: List): void {
  const { photos } = useLightbox()
  useEffect(() => {
    if (wanted && !complete && !reading && failure === null) void photos.more()
  }, [wanted, complete, reading, failure, photos])
}

/** The next picture is fetched while this one is looked at. */
function useAhead(next: Photo | undefined): void {
  const address = next?.url
  useEffect(() => {
    if (address) new Image().src = address
  }, [address])
}

export interface Steps {
  previous?: () => void
  next?: () => void
}

/** To the neighbours, by button, arrow key and swipe; while text is being written the keys belong to the text. */
function useSteps(before: Photo | undefined, after: Photo | undefined): Steps {
  const to = (photo: Photo | undefined) => (photo ? () => go(`/p/${photo.photoId}`) : undefined)
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

interface BesideProps {
  photo: Photo
  user: User
  steps: Steps
  onClose(): void
}

function Beside({ photo, user, steps, onClose }: BesideProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  return (
    <aside>
      <div className="viewer-bar">
        <button className="button icon narrow-only" onClick={steps.previous} disabled={!steps.previous} aria-label="Newer">
          <LeftIcon />
        </button>
        <button className="button icon narrow-only" onClick={steps.next} disabled={!steps.next} aria-label="Older">
          <RightIcon />
        </button>
        <StatePill />
        <span className="viewer-bar-gap" />
        {mayDelete(user, photo.user) && <DeleteButton photo={photo} onAsked={leave} />}
        <button className="button icon" onClick={onClose} aria-label="Close" title="Close">
          <CloseIcon />
        </button>
      </div>
      <div className="about">
        <h2 className="display" ref={heading} tabIndex={-1}>
          {photo.caption || UNTITLED}
        </h2>
        <Facts photo={photo} />
      </div>
      <StateBanner />
      <Comments key={photo.photoId} photoId={photo.photoId} />
      <CommentForm key={`form ${photo.photoId}`} photoId={photo.photoId} />
    </aside>
  )

  /** Goes on to a neighbour, and takes the focus off the button, which would delete that one too. */
  function leave() {
    const step = steps.next ?? steps.previous ?? onClose
    step()
    heading.current?.focus()
  }
}

function DeleteButton({ photo, onAsked }: { photo: Photo; onAsked(): void }) {
  const { deletions } = useLightbox()
  const { writable } = useSituation()
  const ask = () => {
    deletions.ask(photo.photoId, photo.caption || UNTITLED)
    onAsked()
  }
  return (
    <button className="button icon" onClick={ask} disabled={!writable} aria-label="Delete" title="Delete">
      <DeleteIcon />
    </button>
  )
}

const Facts = ({ photo }: { photo: Photo }) => (
  <p className="muted">
    {photo.user} ·{' '}
    <time dateTime={photo.createdAt} title={longDate(photo.createdAt)}>
      {ago(photo.createdAt)}
    </time>{' '}
    · {photo.width} × {photo.height}, {bytes(photo.size)}
  </p>
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
