/**
 * What is on its way out, at the foot of the page: a while in which it can be taken back, and what could not be done.
 * Whoever points at it or has the focus in it is not hurried.
 */
import { useEffect } from 'react'
import { useLightbox, useSituation, useStore } from '../context'
import type { Deletion } from '../lib/deletions'
import { DeleteIcon, LockIcon } from './icons'

const SHOWN_MOST = 4

export function Asides() {
  const { deletions } = useLightbox()
  const all = useStore(deletions.all)
  const hidden = all.length - SHOWN_MOST
  useEffect(() => () => deletions.release(), [deletions])
  return (
    <div
      className="asides"
      role="status"
      onPointerEnter={() => deletions.hold()}
      onPointerLeave={() => deletions.release()}
      onFocus={() => deletions.hold()}
      onBlur={() => deletions.release()}
    >
      {hidden > 0 && <p className="aside fine">And {hidden} more</p>}
      {all.slice(-SHOWN_MOST).map(deletion => (
        <Line key={deletion.photoId} deletion={deletion} />
      ))}
    </div>
  )
}

function Line({ deletion }: { deletion: Deletion }) {
  const { deletions } = useLightbox()
  const { photoId, phase, title, note } = deletion
  const held = phase === 'held'
  return (
    <div className="aside" data-phase={phase}>
      {held ? <LockIcon /> : <DeleteIcon />}
      <p>
        {!held && 'Deleting '}
        <b>{title}</b>
        {held ? `. ${note}` : ' in both regions'}
      </p>
      {held && <AgainButton photoId={photoId} title={title} />}
      {phase !== 'sending' && (
        <button className="button small" onClick={() => deletions.undo(photoId)}>
          {held ? 'Keep it' : 'Undo'}
          <span className="unseen"> {title}</span>
        </button>
      )}
    </div>
  )
}

function AgainButton({ photoId, title }: { photoId: string; title: string }) {
  const { deletions } = useLightbox()
  const { writable } = useSituation()
  return (
    <button className="button small" disabled={!writable} onClick={() => deletions.again(photoId)}>
      Delete<span className="unseen"> {title}</span> now
    </button>
  )
}
