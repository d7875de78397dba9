import type { FormEvent } from 'react'
import { useSituation } from '../context'
import { fieldOf } from './fields'
import { NewPasswordField } from './NewPasswordField'
import type { Form } from './useSignIn'

export function NewPasswordForm({ form, user, temporary }: { form: Form; user: string; temporary: string }) {
  const { passwordsChange, region } = useSituation()
  const reach = region.auth.passwords === 'own' ? `, in ${region.label}` : ', in both regions'
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    form.choose(user, temporary, fieldOf(event, 'new-password'))
  }
  return (
    <form onSubmit={submit}>
      <h1 className="display">Choose a password</h1>
      <p className="muted">
        {passwordsChange
          ? `The one you signed in with was temporary. From now on you sign in with the one you choose here${reach}.`
          : `A new password can’t be saved in ${region.label} now. You can type it, and save it once writing resumes.`}
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
