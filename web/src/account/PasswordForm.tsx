import { useState, type FormEvent } from 'react'
import type { User } from '../lib/auth'
import { PASSWORD_LONGEST, PASSWORD_SHORTEST } from '../signin/fields'
import { SaveBar } from './SaveBar'
import { useSave } from './useSave'

const WORDS = { NotAuthorizedException: 'That is not your current password.' }

export function PasswordForm({ user }: { user: User }) {
  const [old, setOld] = useState('')
  const [chosen, setChosen] = useState('')
  const saving = useSave(WORDS)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    saving.save(async auth => {
      await auth.changePassword(old, chosen)
      setOld('')
      setChosen('')
    })
  }
  return (
    <form onSubmit={submit} aria-label="Password">
      <input type="text" name="username" autoComplete="username" value={user.name} readOnly hidden />
      <label>
        Current password
        <input
          type="password"
          autoComplete="current-password"
          maxLength={PASSWORD_LONGEST}
          required
          value={old}
          onChange={event => setOld(event.target.value)}
        />
      </label>
      <label>
        New password
        <input
          type="password"
          autoComplete="new-password"
          aria-describedby="account-shortest"
          minLength={PASSWORD_SHORTEST}
          maxLength={PASSWORD_LONGEST}
          required
          value={chosen}
          onChange={event => setChosen(event.target.value)}
        />
        <small id="account-shortest" className="muted">
          At least {PASSWORD_SHORTEST} characters. Your other sessions end.
        </small>
      </label>
      <SaveBar
        saving={saving}
        label="Change password"
        done="Changed: it is the one to sign in with in both regions."
        ready={old !== '' && chosen !== ''}
      />
    </form>
  )
}
