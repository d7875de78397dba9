import { useState } from 'react'
import { useLightbox, useSituation } from '../context'
import { useSave } from './useSave'

/** The way out: here, or everywhere at once, which is a write and so has to wait for one. */
export function Sessions() {
  const lightbox = useLightbox()
  const { writable } = useSituation()
  const [leaving, setLeaving] = useState(false)
  const saving = useSave()
  const leave = () => {
    setLeaving(true)
    void lightbox.signOut()
  }
  const leaveEverywhere = () =>
    saving.save(async auth => {
      await auth.signOutEverywhere()
      await lightbox.signOut()
    })
  return (
    <div className="sessions">
      <p role="alert" className="error">
        {saving.words}
      </p>
      <button className="button small" disabled={!writable || saving.busy} onClick={leaveEverywhere}>
        Sign out everywhere
      </button>
      <button className="button small" disabled={leaving} onClick={leave}>
        Sign out
      </button>
    </div>
  )
}
