import { useEffect, useRef } from 'react'

/**
 * Calls at once, and then again and again while the page is visible; a page that was hidden calls as soon as it is seen.
 * The next call waits for the one before, so that a slow region is not asked faster than it answers.
 */
export function useEvery(ms: number, call: () => Promise<unknown>): void {
  const latest = useRef(call)
  useEffect(() => {
    latest.current = call
  })
  useEffect(() => {
    let timer = 0
    let stopped = false
    let running = false
    const run = async () => {
      clearTimeout(timer)
      if (running || stopped || document.hidden) return
      running = true
      await latest.current().catch(() => {})
      running = false
      if (!stopped) timer = window.setTimeout(run, ms)
    }
    void run()
    document.addEventListener('visibilitychange', run)
    return () => {
      stopped = true
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', run)
    }
  }, [ms])
}
