/** Signing in, and choosing a password in exchange for a temporary one. Stays as it is when the page changes region. */
import { useState } from 'react'
import { useLightbox, useSituation } from '../context'
import type { SignInStep } from '../lib/auth'
import { Mark } from '../ui/icons'
import { StateBanner } from '../ui/StateBanner'
import { StatePill } from '../ui/StatePill'
import { NewPasswordForm } from './NewPasswordForm'
import { PasswordForm } from './PasswordForm'
import { Prints } from './Prints'
import { failureWords, isNetwork, resetWords } from './words'

interface Credentials {
  name: string
  password: string
}

export function SignIn({ ended }: { ended: boolean }) {
  const { config } = useLightbox()
  const { region } = useSituation()
  const form = useSignIn()
  return (
    <main className="signin">
      <section className="signin-art" aria-hidden="true">
        <Prints labels={[config.primary, config.secondary].map(name => config.regions[name]?.label ?? name)} />
        <p className="display">
          Every photograph,
          <br />
          in two places at once.
        </p>
      </section>
      <section className="signin-side">
        <div className="signin-top">
          <p className="brand">
            <Mark />
            <span>{config.name}</span>
          </p>
          <StatePill />
        </div>
        <div className="signin-form">
          <StateBanner />
          {form.temporary ? (
            <NewPasswordForm
              busy={form.busy}
              error={form.error}
              region={region.label}
              onSubmit={form.choose}
              onBack={form.back}
            />
          ) : (
            <PasswordForm busy={form.busy} error={form.error} ended={ended} onSubmit={form.begin} />
          )}
        </div>
        <p className="fine muted">New accounts are created by an administrator.</p>
      </section>
    </main>
  )
}

function useSignIn() {
  const lightbox = useLightbox()
  const [temporary, setTemporary] = useState<Credentials | null>(null)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')

  async function attempt(call: () => Promise<SignInStep>, credentials: Credentials) {
    setBusy(true)
    setError('')
    try {
      const step = await call()
      if (step === 'new-password') setTemporary(credentials)
      if (step === 'reset-required') setError(resetWords)
      if (step === 'done') await lightbox.readSession()
    } catch (failure) {
      if (isNetwork(failure)) void lightbox.connection.check()
      setError(failureWords(failure))
    } finally {
      setBusy(false)
    }
  }

  const begin = (credentials: Credentials) =>
    void attempt(() => lightbox.here.auth.signIn(credentials.name, credentials.password), credentials)

  const choose = (password: string) => {
    if (!temporary) return
    const { name, password: old } = temporary
    void attempt(() => lightbox.here.auth.newPassword(name, old, password), temporary)
  }

  const back = () => {
    setTemporary(null)
    setError('')
  }

  return { temporary, busy, error, begin, choose, back }
}
