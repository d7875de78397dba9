import type { FormEvent } from 'react'
import { useSituation } from '../context'
import { fieldOf } from './fields'
import { NewPasswordField } from './NewPasswordField'
import type { Form } from './useSignIn'

interface Props {
  form: Form
  user: string
  /** Where the code went; empty if an administrator had it sent. */
  sentTo: string
}

export function CodeForm({ form, user, sentTo }: Props) {
  const { passwordsChange } = useSituation()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    form.reset(user, fieldOf(event, 'code').trim(), fieldOf(event, 'new-password'))
  }
  return (
    <form onSubmit={submit}>
      <h1 className="display">Choose a password</h1>
      <p className="muted">{whereabouts(user, sentTo)}</p>
      <label>
        Code
        <input name="code" autoComplete="one-time-code" spellCheck={false} maxLength={64} required autoFocus />
      </label>
      <NewPasswordField />
      <p role="alert" className="error">
        {form.error}
      </p>
      <button className="button primary wide" disabled={form.busy || !passwordsChange}>
        {form.busy ? 'One moment…' : 'Save and sign in'}
      </button>
      <button type="button" className="button quiet" onClick={() => form.askForCode(user)} disabled={form.busy || !passwordsChange}>
        Send another code
      </button>
      <button type="button" className="button quiet" onClick={() => form.go('password')} disabled={form.busy}>
        Back to sign in
      </button>
    </form>
  )
}

/** Says nothing about whether there is such a user. */
const whereabouts = (user: string, sentTo: string) =>
  sentTo
    ? `If there is an account named ${user}, a code for it has gone to ${sentTo}.`
    : `An administrator has reset the password of ${user}, and has a code for you.`
