/** What every part of the console needs, and the hooks that watch it. */
import { createContext, use, useEffect, useState } from 'react'
import { useStore } from '../context'
import type { OpsConsole } from './console'
import type { Feed, Heard } from './feed'
import { heardLink, linkHealth, type Health } from './health'
import type { StateOf } from './types'

export const OpsContext = createContext<OpsConsole | null>(null)

export function useOps(): OpsConsole {
  const ops = use(OpsContext)
  if (!ops) throw new Error('OpsContext is missing')
  return ops
}

export const useHeard = <T>(feed: Feed<T>): Heard<T> => useStore(feed.heard)

/** The state of the application, drawn anew whenever anybody who can tell it was heard. */
export function useRouting(): StateOf | null {
  const ops = useOps()
  useHeard(ops.status)
  useHeard(ops.reports.primary)
  useHeard(ops.reports.secondary)
  return ops.state()
}

export function useLink(): Health {
  const ops = useOps()
  const reports = [useHeard(ops.reports.primary), useHeard(ops.reports.secondary)]
  const faults = useHeard(ops.faults)
  return ops.operations.faults ? linkHealth(faults) : heardLink(reports)
}

/** The time, every second, for ages. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [])
  return now
}
