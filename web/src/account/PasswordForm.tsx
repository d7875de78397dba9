import { useState, type FormEvent } from 'react'
import type { User } from '../lib/auth'
import { useLightbox, useSituation } from '../context'
import { SaveBar } from './SaveBar'
import { useSave } from './useSave'

const WORDS = { NotAuthorizedException: 'That is not your current password.' }

export function PasswordForm({ user }: { user: User }) {
  const [old, setOld] = useState('')
  const [chosen, setChosen] = useState('')
  const { passwordCharactersMin, passwordCharactersMax } = useLightbox().config.limits
  const { region, passwordsChange } = useSituation()
  const saving = { ...useSave(WORDS), writable: passwordsChange }
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
          maxLength={passwordCharactersMax}
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
          minLength={passwordCharactersMin}
          maxLength={passwordCharactersMax}
          required
          value={chosen}
          onChange={event => setChosen(event.target.value)}
        />
        <small id="account-shortest" className="muted">
          At least {passwordCharactersMin} characters. Your other sessions end.
        </small>
      </label>
      <SaveBar
        saving={saving}
        label="Change password"
        done={`Changed: it is the one to sign in with in ${region.auth.passwords === 'own' ? region.label : 'both regions'}.`}
        ready={old !== '' && chosen !== ''}
      />
    </form>
  )
}
