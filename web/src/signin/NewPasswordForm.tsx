import type { FormEvent } from 'react'
import { useSituation } from '../context'
import { fieldOf } from './fields'
import { NewPasswordField } from './NewPasswordField'
import type { Form } from './useSignIn'

export function NewPasswordForm({ form, user, temporary }: { form: Form; user: string; temporary: string }) {
  const { writable, region } = useSituation()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    form.choose(user, temporary, fieldOf(event, 'new-password'))
  }
  return (
    <form onSubmit={submit}>
      <h1 className="display">Choose a password</h1>
      <p className="muted">
        {writable
          ? 'The one you signed in with was temporary. From now on you sign in with the one you choose here, in both regions.'
          : `A new password can’t be saved in ${region.label} while writing is paused. You can type it now, and save it afterwards.`}
      </p>
      <NewPasswordField autoFocus />
      <p role="alert" className="error">
        {form.error}
      </p>
      <button className="button primary wide" disabled={form.busy}>
        {form.busy ? 'One moment…' : 'Save and continue'}
      </button>
      <button type="button" className="button quiet" onClick={() => form.go('password')} disabled={form.busy}>
        Back to sign in
      </button>
    </form>
  )
}
