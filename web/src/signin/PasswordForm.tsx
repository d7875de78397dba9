import type { FormEvent } from 'react'
import { useLightbox, useSituation } from '../context'
import { fieldOf } from './fields'
import type { Form } from './useSignIn'
import { UserField } from './UserField'

interface Props {
  form: Form
  /** True when a session has run out or was revoked. */
  ended: boolean
}

export function PasswordForm({ form, ended }: Props) {
  const { config } = useLightbox()
  const { region, ownPasswords } = useSituation()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    form.begin(form.user.trim(), fieldOf(event, 'password'))
  }
  return (
    <form onSubmit={submit}>
      <h1 className="display">Sign in</h1>
      {ended && <p className="muted">Your session has ended. Sign in again to go on; what you have typed is kept.</p>}
      {ownPasswords && (
        <p className="muted">
          {region.label} has passwords of its own. If you have not chosen one here yet, say that you have forgotten it.
        </p>
      )}
      <UserField form={form} />
      <label>
        Password
        <input name="password" type="password" autoComplete="current-password" maxLength={config.limits.passwordCharactersMax} required />
      </label>
      <p role="alert" className="error">
        {form.error}
      </p>
      <button className="button primary wide" disabled={form.busy}>
        {form.busy ? 'One moment…' : 'Sign in'}
      </button>
      <button type="button" className="button quiet" onClick={() => form.go('forgot')} disabled={form.busy}>
        Forgotten your password?
      </button>
    </form>
  )
}
