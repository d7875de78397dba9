/** Who may sign in: listed from any region, changed in the one that writes. */
import { useEffect, useState } from 'react'
import { useCall } from '../ui/useCall'
import { useOps, useRouting } from './context'
import { InviteDialog, PasswordDialog, type Given } from './InviteDialog'
import { temporaryPassword } from './password'
import { Section } from './Section'
import type { Account } from './types'

const STATUS: Record<string, string> = {
  CONFIRMED: 'Active',
  FORCE_CHANGE_PASSWORD: 'Invited',
  RESET_REQUIRED: 'Must reset the password',
}
const SHOWN = 20

export function Users() {
  const writable = useRouting()?.writer != null
  const { users, busy, error, run, reload } = useUsers()
  const [inviting, setInviting] = useState(false)
  const [given, setGiven] = useState<Given | null>(null)
  const [all, setAll] = useState(false)
  const off = busy || !writable
  const reset = (username: string) =>
    run(async ops => {
      const password = temporaryPassword()
      await ops.administer('AdminSetUserPassword', { Username: username, Password: password, Permanent: false })
      setGiven({ username, password, what: 'is signed out everywhere' })
    })
  const toggle = ({ username, enabled }: Account) =>
    run(ops => ops.administer(enabled ? 'AdminDisableUser' : 'AdminEnableUser', { Username: username }))
  const actions = (
    <button className="button small" disabled={off} onClick={() => setInviting(true)}>
      Invite…
    </button>
  )
  return (
    <Section id="users" title="Users" note={writable ? undefined : 'cannot be changed while nobody may write'} actions={actions}>
      {users === null && error === null && <p className="muted">Asking…</p>}
      <p role="alert" className="error">
        {error instanceof Error ? error.message : ''}
      </p>
      <ul className="rows-list" aria-label="Users">
        {users?.slice(0, all ? users.length : SHOWN).map(user => (
          <UserRow key={user.username} user={user} off={off} onReset={() => void reset(user.username)} onToggle={() => void toggle(user)} />
        ))}
      </ul>
      {users && users.length > SHOWN && (
        <button className="linklike fine" onClick={() => setAll(!all)}>
          {all ? 'Show fewer' : `Show all ${users.length.toLocaleString('en')}`}
        </button>
      )}
      {inviting && (
        <InviteDialog
          onClose={() => setInviting(false)}
          onInvited={invited => {
            setInviting(false)
            setGiven(invited)
            void reload()
          }}
        />
      )}
      {given && <PasswordDialog given={given} onClose={() => setGiven(null)} />}
    </Section>
  )
}

interface RowProps {
  user: Account
  off: boolean
  onReset(): void
  onToggle(): void
}

function UserRow({ user, off, onReset, onToggle }: RowProps) {
  const { username, email, enabled, status } = user
  return (
    <li>
      <div className="row-main">
        <b>{username}</b>
        <p className="fine muted">
          {email} · {enabled ? (STATUS[status] ?? status) : 'Disabled'}
        </p>
      </div>
      <div className="actions">
        <button className="button small quiet" disabled={off} onClick={onReset} aria-label={`Reset password of ${username}`}>
          Reset password
        </button>
        <button className="button small quiet" disabled={off} onClick={onToggle} aria-label={`${enabled ? 'Disable' : 'Enable'} ${username}`}>
          {enabled ? 'Disable' : 'Enable'}
        </button>
      </div>
    </li>
  )
}

type Work = (ops: ReturnType<typeof useOps>) => Promise<void>

function useUsers() {
  const ops = useOps()
  const [users, setUsers] = useState<Account[] | null>(null)
  const { busy, error, run } = useCall()
  const reload = () => run(async () => setUsers(await ops.users()))
  const change = (work: Work) =>
    run(async () => {
      await work(ops)
      setUsers(await ops.users())
    })
  const epoch = useRouting()?.epoch
  useEffect(() => void reload(), [epoch]) // eslint-disable-line react-hooks/exhaustive-deps
  return { users, busy, error, run: change, reload }
}
