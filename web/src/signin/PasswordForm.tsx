import type { FormEvent } from 'react'
import { fieldOf } from './fields'

interface Props {
  busy: boolean
  error: string
  /** True when a session has run out or was revoked. */
  ended: boolean
  onSubmit(credentials: { name: string; password: string }): void
}

export function PasswordForm({ busy, error, ended, onSubmit }: Props) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    onSubmit({ name: fieldOf(event, 'username').trim(), password: fieldOf(event, 'password') })
  }
  return (
    <form onSubmit={submit}>
      <h1 className="display">Sign in</h1>
      {ended && <p className="muted">Your session has ended. Sign in again to go on; what you have typed is kept.</p>}
      <label>
        User name
        <input
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={128}
          required
          autoFocus
        />
      </label>
      <label>
        Password
        <input name="password" type="password" autoComplete="current-password" maxLength={256} required />
      </label>
      <p role="alert" className="error">
        {error}
      </p>
      <button className="button primary wide" disabled={busy}>
        {busy ? 'One moment…' : 'Sign in'}
      </button>
    </form>
  )
}
