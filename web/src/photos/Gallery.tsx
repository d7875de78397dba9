/** All photographs, newest first; over them, when asked for, one of them or the ones being added. */
import { lazy, Suspense, useEffect, useState } from 'react'
import { useLightbox, useSituation, useStore } from '../context'
import type { User } from '../lib/auth'
import { counted } from '../lib/format'
import { isUnderWay } from '../lib/uploads'
import { go } from '../route'
import { AddIcon, LockIcon, PictureIcon } from '../ui/icons'
import { Asides } from '../ui/Asides'
import { StateBanner } from '../ui/StateBanner'
import { Rows } from './Rows'
import { useFiles } from './useFiles'
import { useOnScreen } from './useOnScreen'
import { usePhotos } from './usePhotos'

const loadViewer = () => import('./Viewer')
const loadUploadDialog = () => import('./UploadDialog')
const loadAccount = () => import('../account/AccountDialog')
const Viewer = lazy(loadViewer)
const UploadDialog = lazy(loadUploadDialog)
const AccountDialog = lazy(loadAccount)

interface Props {
  user: User
  /** The photograph that is open in the viewer. */
  open: string | undefined
  /** The account is open. */
  account: boolean
}

export function Gallery({ user, open, account }: Props) {
  const { uploads } = useLightbox()
  const { notice } = useSituation()
  const list = usePhotos()
  const [adding, setAdding] = useState(false)
  const dragging = useFiles(files => {
    uploads.add(files)
    setAdding(true)
  })
  useEffect(fetchAhead, [])
  const back = () => go('/')
  const covered = adding || account || open !== undefined
  return (
    <main id="main" className="page" tabIndex={-1}>
      <PageHead count={list.photos.length} list={list} onAdd={() => setAdding(true)} />
      {!covered && <StateBanner />}
      <Listed list={list} open={open} onAdd={() => setAdding(true)} />
      <Suspense>
        {adding && <UploadDialog onClose={() => setAdding(false)} />}
        {open !== undefined && !adding && <Viewer photoId={open} list={list} user={user} onClose={back} />}
        {account && !adding && <AccountDialog user={user} onClose={back} />}
      </Suspense>
      {!covered && <Asides />}
      {dragging && <DropHint text={notice ? `${notice.title}. Drop to keep for later` : 'Drop to add'} />}
    </main>
  )
}

/** So that the rest of the app is here when it is wanted, whether or not the edge still is. */
function fetchAhead(): void {
  for (const load of [loadViewer, loadUploadDialog, loadAccount, () => import('../lib/image')]) load().catch(() => {})
}

export type List = ReturnType<typeof usePhotos>

interface ListedProps {
  list: List
  open: string | undefined
  onAdd(): void
}

function Listed({ list, open, onAdd }: ListedProps) {
  const { photos } = useLightbox()
  if (!list.loaded && list.failure !== null) return <Failed onRetry={() => void photos.more()} />
  return (
    <>
      <Rows photos={list.photos} complete={list.complete} open={open} />
      {list.loaded && list.photos.length === 0 && <Empty onAdd={onAdd} />}
      {!list.loaded && <Placeholders />}
      {list.loaded && !list.complete && <More list={list} />}
    </>
  )
}

/** Where the first rows will be. A quick answer is there before they are. */
const Placeholders = () => (
  <div className="placeholders" aria-hidden="true">
    {Array.from({ length: 9 }, (_, i) => (
      <span key={i} />
    ))}
  </div>
)

function PageHead({ count, list, onAdd }: { count: number; list: List; onAdd(): void }) {
  const { writable, region, notice } = useSituation()
  const summary = count === 0 ? 'Nothing shared yet' : list.complete ? counted(count, 'photograph') : 'Newest first'
  const served = notice?.kind === 'offline' ? 'as last seen in' : 'served from'
  return (
    <div className="page-head">
      <div>
        <h1 className="display">Photographs</h1>
        <p className="muted">
          {list.loaded ? `${summary}, ${served} ${region.label}` : `Loading photographs from ${region.label}…`}
        </p>
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
    <p className="muted">The region gave no usable answer. They are still there, and we keep trying.</p>
    <button className="button" onClick={onRetry}>
      Try again now
    </button>
  </div>
)

/** Far ahead, because it is only a list: pictures are fetched when they are near. */
const AHEAD = '10000px'

/** Loads the next page before its place is reached; by hand, if that did not work. */
function More({ list }: { list: List }) {
  const { photos } = useLightbox()
  const load = () => void photos.more()
  const ref = useOnScreen<HTMLDivElement>(load, !list.reading && list.failure === null, AHEAD)
  return (
    <div className="more" ref={ref}>
      <button className="button" onClick={load} disabled={list.reading}>
        {list.reading ? 'Loading more…' : 'Show more'}
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
