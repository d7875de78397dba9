/** Signing in, with what can come in between: a temporary password, a forgotten one. Stays as it is when the page changes region. */
import { useLightbox } from '../context'
import { Mark } from '../ui/icons'
import { StateBanner } from '../ui/StateBanner'
import { StatePill } from '../ui/StatePill'
import { CodeForm } from './CodeForm'
import { ForgotForm } from './ForgotForm'
import { NewPasswordForm } from './NewPasswordForm'
import { PasswordForm } from './PasswordForm'
import { Prints } from './Prints'
import { useSignIn, type Form } from './useSignIn'

export function SignIn({ ended }: { ended: boolean }) {
  const { config } = useLightbox()
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
          <StepForm form={form} ended={ended} />
        </div>
        <p className="fine muted">New accounts are created by an administrator.</p>
      </section>
    </main>
  )
}

function StepForm({ form, ended }: { form: Form; ended: boolean }) {
  const { step } = form
  if (step.name === 'new-password') return <NewPasswordForm form={form} {...step} />
  if (step.name === 'forgot') return <ForgotForm form={form} />
  if (step.name === 'code') return <CodeForm form={form} {...step} />
  return <PasswordForm form={form} ended={ended} />
}
