/** Who may sign in: listed from any region, changed in the one that writes. */
import { useEffect, useState } from 'react'
import { useStore } from '../context'
import { useCall } from '../ui/useCall'
import { ROLES } from './console'
import { useHeard, useOps, useRouting } from './context'
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
  const writable = useWritable()
  const me = useStore(useOps().session.who)?.name
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
  const inviteAgain = (username: string) =>
    run(async ops => {
      const password = temporaryPassword()
      await ops.administer('AdminCreateUser', { Username: username, TemporaryPassword: password, MessageAction: 'RESEND' })
      setGiven({ username, password, what: 'is invited again' })
    })
  const toggle = ({ username, enabled }: Account) =>
    run(ops => ops.administer(enabled ? 'AdminDisableUser' : 'AdminEnableUser', { Username: username }))
  const actions = (
    <button className="button small" disabled={off} onClick={() => setInviting(true)}>
      Invite…
    </button>
  )
  return (
    <Section id="users" title="Users" note={writable ? undefined : 'cannot be changed while nobody can write'} actions={actions}>
      {users === null && error === null && <p className="muted">Asking…</p>}
      <p role="alert" className="error">
        {error instanceof Error ? error.message : ''}
      </p>
      <ul className="rows-list" aria-label="Users">
        {users?.slice(0, all ? users.length : SHOWN).map(user => (
          <UserRow
            key={user.username}
            user={user}
            off={off}
            isMe={user.username === me}
            onPassword={isInvited(user) ? () => void inviteAgain(user.username) : () => void reset(user.username)}
            onToggle={() => void toggle(user)}
          />
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
  /** Nobody can shut himself out by one click. */
  isMe: boolean
  onPassword(): void
  onToggle(): void
}

const isInvited = ({ status, enabled }: Account): boolean => status === 'FORCE_CHANGE_PASSWORD' && enabled

function UserRow({ user, off, isMe, onPassword, onToggle }: RowProps) {
  const { username, email, enabled, status } = user
  const [verb, of] = isInvited(user) ? ['Invite again', ''] : ['Reset password', 'of ']
  return (
    <li>
      <div className="row-main">
        <b>{username}</b>
        {isMe && <span className="muted"> (you)</span>}
        <p className="fine muted">
          {email} · {enabled ? (STATUS[status] ?? status) : 'Disabled'}
        </p>
      </div>
      <div className="actions">
        <button className="button small quiet" disabled={off} onClick={onPassword} aria-label={`${verb} ${of}${username}`}>
          {verb}
        </button>
        {!isMe && (
          <button className="button small quiet" disabled={off} onClick={onToggle} aria-label={`${enabled ? 'Disable' : 'Enable'} ${username}`}>
            {enabled ? 'Disable' : 'Enable'}
          </button>
        )}
      </div>
    </li>
  )
}

/** A region that may write, and does not answer, changes no user. */
function useWritable(): boolean {
  const ops = useOps()
  const state = useRouting()
  const reports = { primary: useHeard(ops.reports.primary), secondary: useHeard(ops.reports.secondary) }
  return ROLES.some(role => ops.names[role] === state?.writer && reports[role].failed === null)
}

type Work = (ops: ReturnType<typeof useOps>) => Promise<void>

function useUsers() {
  const ops = useOps()
  const [users, setUsers] = useState<Account[] | null>(null)
  const { busy, error, run } = useCall()
  const reload = () => run(async () => setUsers(await ops.users()))
  const change = (work: Work) =>
    run(async () => {
      // A refusal too may say that the list has become old.
      await work(ops).finally(async () => setUsers(await ops.users()))
    })
  const epoch = useRouting()?.epoch
  useEffect(() => void reload(), [epoch]) // eslint-disable-line react-hooks/exhaustive-deps
  return { users, busy, error, run: change, reload }
}
