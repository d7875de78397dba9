import type { FormEvent } from 'react'
import { useSituation } from '../context'
import { fieldOf } from './fields'

interface Props {
  busy: boolean
  error: string
  region: string
  onSubmit(password: string): void
  onBack(): void
}

const SHORTEST = 8

export function NewPasswordForm({ busy, error, region, onSubmit, onBack }: Props) {
  const { writable } = useSituation()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    onSubmit(fieldOf(event, 'new-password'))
  }
  return (
    <form onSubmit={submit}>
      <h1 className="display">Choose a password</h1>
      <p className="muted">
        {writable
          ? 'The one you signed in with was temporary. From now on you sign in with the one you choose here, in both regions.'
          : `A new password can’t be saved in ${region} while writing is paused. You can type it now, and save it afterwards.`}
      </p>
      <label>
        New password
        <input
          name="new-password"
          aria-describedby="shortest"
          type="password"
          autoComplete="new-password"
          minLength={SHORTEST}
          maxLength={256}
          required
          autoFocus
        />
      </label>
      <p id="shortest" className="fine muted">
        At least {SHORTEST} characters.
      </p>
      <p role="alert" className="error">
        {error}
      </p>
      <button className="button primary wide" disabled={busy}>
        {busy ? 'One moment…' : 'Save and continue'}
      </button>
      <button type="button" className="button quiet" onClick={onBack} disabled={busy}>
        Back to sign in
      </button>
    </form>
  )
}
