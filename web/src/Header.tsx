/** One row, on a phone too: the name, the state, and the way out. */
import { useState } from 'react'
import { Link } from 'wouter'
import { useLightbox } from './context'
import type { User } from './lib/auth'
import { Mark, SignOutIcon } from './ui/icons'
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
      <Link href="/" className="brand" aria-label={`${lightbox.config.name}, home`}>
        <Mark />
        <span>{lightbox.config.name}</span>
      </Link>
      <div className="top-end">
        <StatePill />
        <span className="who" title={`Signed in as ${user.name}`}>
          <Initial name={user.name} />
          <span className="unseen">Signed in as {user.name}</span>
        </span>
        <button
          className="button icon"
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
