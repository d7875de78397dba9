/** All photographs, newest first; over them, when asked for, one of them or the ones being added. */
import { lazy, Suspense, useEffect, useState } from 'react'
import { useLocation } from 'wouter'
import { useLightbox, useSituation, useStore } from '../context'
import type { User } from '../lib/auth'
import { counted } from '../lib/format'
import { isUnderWay } from '../lib/uploads'
import { AddIcon, LockIcon, PictureIcon } from '../ui/icons'
import { StateBanner } from '../ui/StateBanner'
import { Rows } from './Rows'
import { useFiles } from './useFiles'
import { useMore } from './useMore'
import { usePhotos } from './usePhotos'

const loadViewer = () => import('./Viewer')
const loadUploadDialog = () => import('./UploadDialog')
const Viewer = lazy(loadViewer)
const UploadDialog = lazy(loadUploadDialog)

interface Props {
  user: User
  /** The photograph that is open in the viewer. */
  open: string | undefined
}

export function Gallery({ user, open }: Props) {
  const { uploads } = useLightbox()
  const { notice } = useSituation()
  const [, go] = useLocation()
  const { list, photos } = usePhotos()
  const [adding, setAdding] = useState(false)
  const dragging = useFiles(files => {
    uploads.add(files)
    setAdding(true)
  })
  useEffect(fetchAhead, [])
  const covered = adding || open !== undefined
  return (
    <main id="main" className="page" tabIndex={-1}>
      <PageHead count={photos.length} more={list.hasNextPage} loaded={list.isSuccess} onAdd={() => setAdding(true)} />
      {!covered && <StateBanner />}
      {list.isError && photos.length === 0 ? <Failed onRetry={() => void list.refetch()} /> : <Rows photos={photos} />}
      {list.isSuccess && photos.length === 0 && <Empty onAdd={() => setAdding(true)} />}
      {list.isPending && <p className="unseen">Loading photographs</p>}
      {list.hasNextPage && <More list={list} />}
      <Suspense>
        {adding && <UploadDialog onClose={() => setAdding(false)} />}
        {open !== undefined && !adding && (
          <Viewer photoId={open} photos={photos} list={list} user={user} onClose={() => go('/', { replace: true })} />
        )}
      </Suspense>
      {dragging && <DropHint text={notice ? `${notice.title}. Drop to keep for later` : 'Drop to add'} />}
    </main>
  )
}

/** So that the rest of the app is here when it is wanted, whether or not the edge still is. */
function fetchAhead(): void {
  for (const load of [loadViewer, loadUploadDialog, () => import('../lib/image')]) load().catch(() => {})
}

interface HeadProps {
  count: number
  more: boolean
  loaded: boolean
  onAdd(): void
}

function PageHead({ count, more, loaded, onAdd }: HeadProps) {
  const { writable, region } = useSituation()
  const summary = count === 0 ? 'Nothing shared yet' : more ? 'Newest first' : counted(count, 'photograph')
  return (
    <div className="page-head">
      <div>
        <h1 className="display">Photographs</h1>
        <p className="muted">{loaded ? `${summary}, served from ${region.label}` : '\u00a0'}</p>
      </div>
      <div className="page-actions">
        <UnderWay onOpen={onAdd} />
        <button className="button primary" disabled={!writable} onClick={onAdd}>
          {writable ? <AddIcon /> : <LockIcon />}
          Add photographs
        </button>
      </div>
    </div>
  )
}

/** Uploads go on when their dialog is closed; this says so, and leads back. */
function UnderWay({ onOpen }: { onOpen(): void }) {
  const { uploads } = useLightbox()
  const items = useStore(uploads.items)
  const left = items.filter(isUnderWay).length
  const kept = items.filter(item => item.phase === 'ready' || item.phase === 'failed').length
  if (left + kept === 0) return null
  return (
    <button className="button" onClick={onOpen}>
      {left > 0 ? `Adding ${left}…` : `${kept} chosen`}
    </button>
  )
}

const Empty = ({ onAdd }: { onAdd(): void }) => {
  const { writable } = useSituation()
  return (
    <div className="empty">
      <PictureIcon size={40} />
      <h2 className="display">The table is lit, and empty</h2>
      <p className="muted">
        {writable
          ? 'Add the first photographs: drop them anywhere on this page, or choose them.'
          : 'Photographs can be added once writing resumes.'}
      </p>
      {writable && (
        <button className="button" onClick={onAdd}>
          Choose photographs
        </button>
      )}
    </div>
  )
}

const Failed = ({ onRetry }: { onRetry(): void }) => (
  <div className="empty" role="alert">
    <h2 className="display">The photographs did not load</h2>
    <p className="muted">The region gave no usable answer. They are still there.</p>
    <button className="button" onClick={onRetry}>
      Try again
    </button>
  </div>
)

type List = ReturnType<typeof usePhotos>['list']

/** Loads the next page before its place is reached; by hand, if that did not work. */
function More({ list }: { list: List }) {
  const { ref, load } = useMore<HTMLDivElement>(list, '800px')
  return (
    <div className="more" ref={ref}>
      <button className="button" onClick={load} disabled={list.isFetching}>
        {list.isFetching ? 'Loading more…' : 'Show more'}
      </button>
    </div>
  )
}

/** Above an open dialog too. */
const showOnTop = (hint: HTMLElement | null) => hint?.showPopover?.()

const DropHint = ({ text }: { text: string }) => (
  <div className="drop-hint" popover="manual" ref={showOnTop} aria-hidden="true">
    <p className="display">{text}</p>
  </div>
)
