import type { FormEvent } from 'react'
import { useSituation } from '../context'
import type { Form } from './useSignIn'
import { UserField } from './UserField'

export function ForgotForm({ form }: { form: Form }) {
  const { passwordsChange, region } = useSituation()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    form.askForCode(form.user.trim())
  }
  return (
    <form onSubmit={submit}>
      <h1 className="display">Forgotten password</h1>
      <p className="muted">
        {passwordsChange
          ? 'Say who you are, and a code is sent with which you can choose a new password.'
          : `Passwords can’t be changed in ${region.label} now. Signing in with the one you have still works.`}
      </p>
      <UserField form={form} />
      <p role="alert" className="error">
        {form.error}
      </p>
      <button className="button primary wide" disabled={form.busy || !passwordsChange}>
        {form.busy ? 'One moment…' : 'Send me a code'}
      </button>
      <button type="button" className="button quiet" onClick={() => form.go('password')} disabled={form.busy}>
        Back to sign in
      </button>
    </form>
  )
}
