/** Signing in to the console: as a user of the group operators, or with the operator token when no region answers. */
import { useState, type FormEvent } from 'react'
import { useStore } from '../context'
import { useCall } from '../ui/useCall'
import { Mark } from '../ui/icons'
import { useOps } from './context'
import { isSilence } from './session'

export function OpsSignIn() {
  const ops = useOps()
  const [byToken, setByToken] = useState(false)
  const ended = useStore(ops.session.ended)
  return (
    <main className="centre ops-signin">
      <a href="#/" className="brand">
        <Mark />
        <span>{ops.config.name}</span>
      </a>
      <h1 className="display">Operations</h1>
      {ended && <p role="status">The session has ended. Sign in again to go on.</p>}
      {byToken ? <TokenForm /> : <UserForm />}
      <button className="linklike fine" onClick={() => setByToken(!byToken)}>
        {byToken ? 'Sign in with a password' : 'No region answers? Use the operator token'}
      </button>
    </main>
  )
}

function UserForm() {
  const { session } = useOps()
  const { busy, error, run } = useCall()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    void run(async () => {
      const step = await session.signIn(String(form.get('name')), String(form.get('password')))
      if (step !== 'done') throw new Error('This password has to be changed first: sign in to the photographs once.')
    })
  }
  return (
    <form className="ops-form" onSubmit={submit}>
      <label>
        User name
        <input name="name" autoComplete="username" autoCapitalize="none" spellCheck={false} required />
      </label>
      <label>
        Password
        <input name="password" type="password" autoComplete="current-password" required />
      </label>
      <Failure error={error} />
      <button className="button primary wide" disabled={busy}>
        {busy ? 'Signing in…' : 'Sign in'}
      </button>
    </form>
  )
}

function TokenForm() {
  const { session, api, operations } = useOps()
  const { busy, error, run } = useCall()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const token = String(new FormData(event.currentTarget).get('token')).trim()
    void run(async () => {
      await api.probe([`${operations.url}/operator/state`, './operator/faults'], token)
      session.useOperatorToken(token)
    })
  }
  return (
    <form className="ops-form" onSubmit={submit}>
      <label>
        Operator token
        <input name="token" type="password" autoComplete="off" required aria-describedby="token-where" />
      </label>
      <p id="token-where" className="fine muted">
        <code>operatorToken</code> in <code>deployment.json</code>, in the data folder. This page forgets it when it is closed.
      </p>
      <Failure error={error} />
      <button className="button primary wide" disabled={busy}>
        {busy ? 'Trying it…' : 'Use it'}
      </button>
    </form>
  )
}

const Failure = ({ error }: { error: unknown }) => (
  <p role="alert" className="error">
    {error ? words(error) : ''}
  </p>
)

const words = (error: unknown): string =>
  isSilence(error) ? 'Neither region answers. The operator token works without them.' : error instanceof Error ? error.message : String(error)
