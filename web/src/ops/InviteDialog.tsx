/** A new user, and a temporary password that is shown once. */
import { useState, type FormEvent } from 'react'
import { Dialog, firstFocus } from '../ui/Dialog'
import { useCall } from '../ui/useCall'
import { useOps } from './context'
import { temporaryPassword } from './password'

export interface Given {
  username: string
  password: string
  /** What has become of the user, as the end of a sentence. */
  what: string
}

export function InviteDialog({ onClose, onInvited }: { onClose(): void; onInvited(given: Given): void }) {
  const ops = useOps()
  const { busy, error, run } = useCall()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const username = String(form.get('name')).trim()
    const password = temporaryPassword()
    void run(async () => {
      await ops.administer('AdminCreateUser', {
        Username: username,
        TemporaryPassword: password,
        UserAttributes: [{ Name: 'email', Value: String(form.get('email')).trim() }],
        ...(form.get('operator') ? { ClientMetadata: { groups: 'operators' } } : {}),
      })
      onInvited({ username, password, what: 'is invited' })
    })
  }
  return (
    <Dialog label="Invite a user" className="sheet small-sheet" onClose={onClose}>
      <h2 className="display">Invite a user</h2>
      <form className="confirm" onSubmit={submit}>
        <label>
          User name
          <input name="name" required maxLength={128} autoComplete="off" autoCapitalize="none" spellCheck={false} ref={firstFocus} />
        </label>
        <label>
          E-mail
          <input name="email" type="email" required maxLength={254} autoComplete="off" />
        </label>
        <label className="check">
          <input name="operator" type="checkbox" />
          <span>An operator: may use this console, administer users, and do what the application leaves to operators</span>
        </label>
        <p role="alert" className="error">
          {error instanceof Error ? error.message : ''}
        </p>
        <div className="sheet-foot">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button className="button primary" disabled={busy}>
            Invite
          </button>
        </div>
      </form>
    </Dialog>
  )
}

export function PasswordDialog({ given, onClose }: { given: Given; onClose(): void }) {
  const [copied, setCopied] = useState(false)
  const { clipboard } = navigator as Partial<Navigator> // only where the page came over TLS, or from this machine
  const copy = () => void clipboard?.writeText(given.password).then(() => setCopied(true), () => setCopied(false))
  return (
    <Dialog label="Temporary password" className="sheet small-sheet" onClose={onClose}>
      <h2 className="display">
        {given.username} {given.what}
      </h2>
      <p className="muted">The temporary password, which is not shown again:</p>
      <p className="secret">
        <code>{given.password}</code>
      </p>
      <p className="fine muted">It has to be changed at the first sign-in.</p>
      <div className="sheet-foot">
        {clipboard && (
          <button className="button" onClick={copy}>
            {copied ? 'Copied' : 'Copy'}
          </button>
        )}
        <button className="button primary" onClick={onClose} ref={firstFocus}>
          Done
        </button>
      </div>
    </Dialog>
  )
}
