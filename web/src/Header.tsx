/** One row, on a phone too: the name, the state, and the way out. */
import { useState } from 'react'
import { useLightbox } from './context'
import { isOperator, type User } from './lib/auth'
import { Mark, SignOutIcon } from './ui/icons'
import { OPERATIONS } from './route'
import { StatePill } from './ui/StatePill'
import { Initial } from './ui/Initial'

export function Header({ user }: { user: User }) {
  const lightbox = useLightbox()
  const [leaving, setLeaving] = useState(false)
  const leave = async () => {
    setLeaving(true)
    await lightbox.signOut()
  }
  return (
    <header className="top">
      <a href="#/" className="brand" aria-label={`${lightbox.config.name}, home`}>
        <Mark />
        <span>{lightbox.config.name}</span>
      </a>
      <div className="top-end">
        {isOperator(user) && <OperationsLink className="quiet wide-only" />}
        <StatePill />
        <a href="#/account" className="button icon" aria-label={`Your account, ${user.name}`} title="Your account">
          <Initial name={user.name} />
        </a>
        <button
          className="button icon wide-only"
          onClick={() => void leave()}
          disabled={leaving}
          aria-label="Sign out"
          title="Sign out"
        >
          <SignOutIcon />
        </button>
      </div>
    </header>
  )
}

/** To the console; where there is none, to the dashboard that takes its place. */
export function OperationsLink({ className }: { className: string }) {
  const { operations, dashboardUrl } = useLightbox().config
  const address = operations ? `#${OPERATIONS}` : dashboardUrl
  return address ? (
    <a href={address} className={`button small ${className}`}>
      Operations
    </a>
  ) : null
}
