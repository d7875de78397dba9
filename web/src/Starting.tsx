/** Before there is anything to show: waiting, and why the wait is long. */
import { useState } from 'react'
import { explain } from './lib/boot'
import { OPERATIONS } from './route'
import { Mark } from './ui/icons'

export const Starting = () => (
  <main className="centre" aria-busy="true">
    <span className="starting-mark">
      <Mark size={44} />
    </span>
    <span className="unseen">Loading</span>
  </main>
)

export function StartFailed({ error, onRetry }: { error: unknown; onRetry(): void }) {
  const [asked, setAsked] = useState(0)
  const { title, text } = explain(error)
  const retry = () => {
    setAsked(asked + 1)
    onRetry()
  }
  return (
    <main className="centre">
      <Mark size={44} />
      <h1 className="display">{title}</h1>
      <p className="muted" role="status">
        {text} We keep trying, and the page opens as soon as there is an answer.
      </p>
      <button className="button primary" onClick={retry}>
        Try again now
      </button>
      <a className="button quiet" href={`#${OPERATIONS}`}>
        Operations
      </a>
    </main>
  )
}
