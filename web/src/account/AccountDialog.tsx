/** Who is signed in, and what people may change about themselves. What is typed stays through every change of state. */
import { useLightbox } from '../context'
import { isOperator, type User } from '../lib/auth'
import { OperationsLink } from '../Header'
import { Dialog } from '../ui/Dialog'
import { CloseIcon } from '../ui/icons'
import { Initial } from '../ui/Initial'
import { StateBanner } from '../ui/StateBanner'
import { StatePill } from '../ui/StatePill'
import { PasswordForm } from './PasswordForm'
import { ProfileForm } from './ProfileForm'
import { Sessions } from './Sessions'

export default function AccountDialog({ user, onClose }: { user: User; onClose(): void }) {
  const { config } = useLightbox()
  return (
    <Dialog label="Your account" className="sheet account" onClose={onClose}>
      <div className="sheet-head">
        <h2 className="display">Your account</h2>
        <button className="button icon" onClick={onClose} aria-label="Close" title="Close">
          <CloseIcon />
        </button>
      </div>
      <StatePill />
      <StateBanner />
      <p className="account-who">
        <Initial name={user.name} />
        <b>{user.name}</b>
        <span className="muted">{isOperator(user) ? 'Operator' : `Member of ${config.name}`}</span>
        {isOperator(user) && <OperationsLink className="narrow-only" />}
      </p>
      <ProfileForm />
      <PasswordForm user={user} />
      <Sessions />
    </Dialog>
  )
}
