/** A decision about every pending loss at once asks once more. */
import { useState } from 'react'
import { counted } from '../lib/format'
import { Dialog, firstFocus } from '../ui/Dialog'

export interface Decided {
  id: string
  outcome: string
  detail: string
}

interface Props {
  verb: 'apply' | 'discard'
  count: number
  onClose(): void
  onConfirm(force: boolean): Promise<void>
}

const TEXTS = {
  apply: 'Each is made again in the region that writes now, in their order. One that would overwrite something newer is kept.',
  discard: 'They stay listed, as discarded, and are not made again. What was typed or shared in them is gone for its authors.',
}

export function DecideDialog({ verb, count, onClose, onConfirm }: Props) {
  const [force, setForce] = useState(false)
  const confirm = () => {
    onClose()
    void onConfirm(force)
  }
  const title = `${verb === 'apply' ? 'Apply' : 'Discard'} ${counted(count, 'lost write')}`
  return (
    <Dialog label={title} className="sheet small-sheet" onClose={onClose}>
      <h2 className="display">{title}</h2>
      <p className="muted">{TEXTS[verb]}</p>
      {verb === 'apply' && (
        <label className="check">
          <input type="checkbox" checked={force} onChange={event => setForce(event.target.checked)} />
          <span>Overwrite what is newer</span>
        </label>
      )}
      <div className="sheet-foot">
        <button className="button" onClick={onClose} ref={firstFocus}>
          Cancel
        </button>
        <button className={`button ${verb === 'discard' || force ? 'danger' : 'primary'}`} onClick={confirm}>
          {verb === 'apply' ? 'Apply all' : 'Discard all'}
        </button>
      </div>
    </Dialog>
  )
}
