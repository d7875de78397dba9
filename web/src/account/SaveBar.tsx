import type { useSave } from './useSave'

interface Props {
  saving: ReturnType<typeof useSave>
  label: string
  done: string
  ready: boolean
}

/** The button of a form, and what became of the last time it was pressed. */
export const SaveBar = ({ saving: { busy, writable, words, saved }, label, done, ready }: Props) => (
  <div className="save-bar">
    <p className={words ? 'error' : 'fine muted'} role={words ? 'alert' : 'status'}>
      {words || (saved && done) || (writable ? '' : 'This can be saved once writing resumes.')}
    </p>
    <button className="button primary small" disabled={busy || !writable || !ready}>
      {busy ? 'One moment…' : label}
    </button>
  </div>
)
