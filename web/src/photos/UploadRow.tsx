/** One chosen photograph: what it is, how far it is, and what can be done with it. */
import { useLightbox, useSituation } from '../context'
import { bytes } from '../lib/format'
import type { Item } from '../lib/uploads'
import { CloseIcon, DoneIcon, RetryIcon, WarningIcon } from '../ui/icons'

export function UploadRow({ item }: { item: Item }) {
  const { uploads, config } = useLightbox()
  const { photoId, phase, prepared, name } = item
  const editable = phase === 'ready' || phase === 'failed'
  return (
    <li data-phase={phase}>
      <span className="queue-thumb" style={{ backgroundColor: prepared?.colour }}>
        {item.preview && <img src={item.preview} alt="" />}
      </span>
      <p className="queue-name">{name}</p>
      <Actions item={item} />
      <div className="queue-body">
        {editable ? (
          <input
            aria-label={`Caption for ${name}`}
            placeholder="Caption (optional)"
            maxLength={config.limits.captionCharacters}
            value={item.caption}
            onChange={event => uploads.caption(photoId, event.target.value)}
          />
        ) : (
          item.caption && <p className="fine">{item.caption}</p>
        )}
        <Facts item={item} />
      </div>
    </li>
  )
}

function Facts({ item }: { item: Item }) {
  const { phase, prepared, note, name, file, progress } = item
  if (phase === 'sending')
    return (
      <div className="queue-progress">
        <progress value={progress} max={1} aria-label={`Uploading ${name}`} />
        <span className="fine muted num">{Math.round(100 * progress)} %</span>
      </div>
    )
  if (note) return <p className={phase === 'ready' ? 'fine held' : 'fine error'}>{note}</p>
  if (phase === 'preparing') return <p className="fine muted">Getting it ready…</p>
  if (phase === 'waiting') return <p className="fine muted">Waiting for its turn</p>
  if (!prepared) return null
  const size = `${prepared.width} × ${prepared.height}, ${bytes(prepared.blob.size)}`
  return (
    <p className="fine muted">
      {size}
      {prepared.blob.size < file.size && `, was ${bytes(file.size)}`}
    </p>
  )
}

function Actions({ item }: { item: Item }) {
  const { uploads } = useLightbox()
  const { writable } = useSituation()
  const { photoId, phase, name } = item
  if (phase === 'done') {
    return (
      <span className="queue-actions">
        <span className="queue-mark tone-active">
          <DoneIcon size={20} />
          <span className="unseen">Shared</span>
        </span>
      </span>
    )
  }
  return (
    <span className="queue-actions">
      {phase === 'unusable' && (
        <span className="queue-mark tone-failover">
          <WarningIcon size={20} />
        </span>
      )}
      {phase === 'failed' && (
        <button
          className="button icon"
          disabled={!writable}
          onClick={() => uploads.retry(photoId)}
          aria-label={`Try ${name} again`}
        >
          <RetryIcon />
        </button>
      )}
      <button
        className="button icon"
        onClick={event => {
          focusNeighbour(event.currentTarget)
          uploads.remove(photoId)
        }}
        aria-label={`${phase === 'sending' ? 'Cancel' : 'Remove'} ${name}`}
      >
        <CloseIcon />
      </button>
    </span>
  )
}

/** Before a row goes, the focus goes to the one after it, or before it, or to where more are chosen. */
function focusNeighbour(button: HTMLElement): void {
  const row = button.closest('li')
  const neighbour = row?.nextElementSibling ?? row?.previousElementSibling
  const next = neighbour?.querySelector<HTMLElement>('.queue-actions button:last-child')
  const chooser = button.closest('dialog')?.querySelector<HTMLElement>('.chooser button')
  ;(next ?? chooser)?.focus()
}
