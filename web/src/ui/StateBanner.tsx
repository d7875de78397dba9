/** Says what the state means for the reader, and offers the way out. The element stays, so that changes are read aloud. */
import { useState } from 'react'
import { useLightbox, useSituation } from '../context'
import type { Kind, Notice } from '../lib/notice'
import { LockIcon, MoveIcon, OfflineIcon } from './icons'

const ICONS: Record<Kind, typeof LockIcon> = {
  fenced: LockIcon,
  failover: MoveIcon,
  'failover-writable': MoveIcon,
  moved: MoveIcon,
  returned: MoveIcon,
  'returned-fenced': LockIcon,
  away: OfflineIcon,
  offline: OfflineIcon,
}

export function StateBanner() {
  const { notice } = useSituation()
  return (
    <div role="status" className="banner-place">
      {notice && <Banner key={notice.kind} notice={notice} />}
    </div>
  )
}

function Banner({ notice }: { notice: Notice }) {
  const Icon = ICONS[notice.kind]
  return (
    <div className={`banner tone-${notice.tone}`} data-notice={notice.kind}>
      <Icon size={20} />
      <p className="banner-words">
        <strong>{notice.title}.</strong> {notice.text}
      </p>
      {notice.move && <MoveButton {...notice.move} />}
    </div>
  )
}

function MoveButton({ label, region }: { label: string; region: string }) {
  const { connection } = useLightbox()
  const [moving, setMoving] = useState(false)
  const move = async () => {
    setMoving(true)
    await connection.moveTo(region)
    setMoving(false)
  }
  return (
    <button className="button small" disabled={moving} onClick={() => void move()}>
      {label}
    </button>
  )
}
