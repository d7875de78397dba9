/** The phases of the page: starting, not to be started yet, signed out, signed in. */
import { lazy, Suspense, useCallback, useEffect, useRef, useState } from 'react'
import { LightboxContext, useLightbox, useStore } from './context'
import { Boot } from './lib/boot'
import type { Lightbox } from './lib/lightbox'
import { backoffMs, pause } from './lib/pause'
import { Gallery } from './photos/Gallery'
import { Header } from './Header'
import { after, OPERATIONS, usePath } from './route'
import { SignIn } from './signin/SignIn'
import { Starting, StartFailed } from './Starting'

const Ops = lazy(() => import('./ops/Ops'))

const RETRY_FIRST_MS = 1_000
const RETRY_MOST_MS = 15_000

export function App() {
  const { lightbox, failure, retry } = useBoot()
  const path = usePath()
  // The console is needed most when no region answers, so it does not wait for one.
  if (path === OPERATIONS) return <Operations onSession={() => void lightbox?.readSession()} />
  if (!lightbox) return failure === null ? <Starting /> : <StartFailed error={failure} onRetry={retry} />
  return (
    <LightboxContext value={lightbox}>
      <Screen />
    </LightboxContext>
  )
}

const Operations = ({ onSession }: { onSession(): void }) => (
  <Suspense fallback={<Starting />}>
    <Ops onSession={onSession} />
  </Suspense>
)

function Screen() {
  const { session } = useLightbox()
  const { user, ended } = useStore(session)
  const path = usePath()
  if (user === undefined) return <Starting />
  if (user === null) return <SignIn ended={ended} />
  return (
    <>
      <a className="skip" href="#main" onClick={skipToMain}>
        Skip to content
      </a>
      <Header user={user} />
      <Gallery user={user} open={after(path, '/p/')} account={path === '/account'} />
    </>
  )
}

/** The address belongs to the hash router, so the jump is made by hand. */
function skipToMain(event: React.MouseEvent) {
  event.preventDefault()
  document.getElementById('main')?.focus()
}

/** Starts by itself, and goes on trying until it has: by itself with growing pauses, at once when asked. */
function useBoot() {
  const [lightbox, setLightbox] = useState<Lightbox | null>(null)
  const [failure, setFailure] = useState<unknown>(null)
  const hurry = useRef(new AbortController())

  useEffect(() => {
    const stopped = new AbortController()
    void startUp()
    return () => stopped.abort()

    async function startUp() {
      const boot = new Boot()
      for (let attempt = 0; !stopped.signal.aborted; attempt++) {
        try {
          const started = await boot.run()
          if (stopped.signal.aborted) return
          started.start()
          return setLightbox(started)
        } catch (error) {
          if (stopped.signal.aborted) return
          setFailure(error)
        }
        hurry.current = new AbortController()
        await pause(backoffMs(attempt, RETRY_FIRST_MS, RETRY_MOST_MS), hurry.current.signal)
      }
    }
  }, [])

  const retry = useCallback(() => hurry.current.abort(), [])
  return { lightbox, failure, retry }
}
