/** Choosing photographs and sharing them. What is chosen stays when this is closed. */
import { useEffect, useRef, useState } from 'react'
import { useLightbox, useSituation, useStore } from '../context'
import { counted } from '../lib/format'
import { isUnderWay } from '../lib/uploads'
import { Dialog, firstFocus } from '../ui/Dialog'
import { CloseIcon, PictureIcon } from '../ui/icons'
import { StateBanner } from '../ui/StateBanner'
import { StatePill } from '../ui/StatePill'
import { UploadRow } from './UploadRow'

export default function UploadDialog({ onClose }: { onClose(): void }) {
  const { uploads } = useLightbox()
  const items = useStore(uploads.items)
  useEffect(() => () => uploads.clearDone(), [uploads])
  return (
    <Dialog label="Upload" className="sheet upload" onClose={onClose}>
      <div className="sheet-head">
        <h2 className="display">Add photographs</h2>
        <button className="button icon" onClick={onClose} aria-label="Close" title="Close">
          <CloseIcon />
        </button>
      </div>
      <StatePill />
      <StateBanner />
      <Chooser compact={items.length > 0} />
      {items.length > 0 && (
        <ul className="queue" aria-label="Chosen files">
          {items.map(item => (
            <UploadRow key={item.photoId} item={item} />
          ))}
        </ul>
      )}
      <ShareBar onClose={onClose} />
    </Dialog>
  )
}

const CHOICE =
  'or drop or paste them anywhere: JPEG, PNG or WebP. They are made smaller, and the place where they were taken is removed, before anything leaves this device.'

/** Large while it is all there is to do; then a line above what was chosen. */
function Chooser({ compact }: { compact: boolean }) {
  const { uploads } = useLightbox()
  const input = useRef<HTMLInputElement>(null)
  const [leftOut, setLeftOut] = useState(0)
  const choose = (files: FileList | null) => {
    setLeftOut(uploads.add([...(files ?? [])]))
    if (input.current) input.current.value = '' // so that the same file can be chosen again
  }
  return (
    <div className={compact ? 'chooser compact' : 'chooser'}>
      <PictureIcon size={30} />
      <button className="button" ref={firstFocus} onClick={() => input.current?.click()}>
        {compact ? 'Choose more' : 'Choose files'}
      </button>
      <p className="fine muted">
        {compact ? 'They leave this device smaller, and without the place where they were taken.' : CHOICE}
      </p>
      <input
        ref={input}
        type="file"
        accept="image/*"
        multiple
        hidden
        aria-label="Photographs"
        onChange={event => choose(event.target.files)}
      />
      {leftOut > 0 && <p className="error">{counted(leftOut, 'file')} left out: share these first.</p>}
    </div>
  )
}

function ShareBar({ onClose }: { onClose(): void }) {
  const { uploads } = useLightbox()
  const { writable } = useSituation()
  const items = useStore(uploads.items)
  const ready = items.filter(item => item.phase === 'ready').length
  const underWay = items.filter(isUnderWay).length
  const done = items.filter(item => item.phase === 'done').length
  const finished = done > 0 && ready + underWay === 0
  return (
    <div className="sheet-foot">
      <p className="fine muted" aria-live="polite">
        {summary(underWay, done)}
      </p>
      {finished ? (
        <button className="button primary" onClick={onClose}>
          Done
        </button>
      ) : (
        <button className="button primary" disabled={!writable || ready === 0} onClick={() => uploads.share()}>
          {ready > 0 ? `Share ${counted(ready, 'photograph')}` : 'Share'}
        </button>
      )}
    </div>
  )
}

function summary(underWay: number, done: number): string {
  const parts = [underWay > 0 ? `${underWay} under way` : '', done > 0 ? `${done} shared` : '']
  return parts.filter(Boolean).join(', ')
}
