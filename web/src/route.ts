/** Where in the app the reader is: the address behind the `#`, which needs nothing of the server that serves the page. */
import { useSyncExternalStore } from 'react'

/** The operators' console. */
export const OPERATIONS = '/ops'

const changed = new EventTarget()

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener)
  changed.addEventListener('change', listener)
  return () => {
    removeEventListener('hashchange', listener)
    changed.removeEventListener('change', listener)
  }
}

const current = (): string => location.hash.slice(1) || '/'

export const usePath = (): string => useSyncExternalStore(subscribe, current)

/** Goes there without a step for the browser's back button. */
export function go(path: string): void {
  history.replaceState(null, '', `#${path}`)
  changed.dispatchEvent(new Event('change'))
}

/** What follows `prefix` in the address, if it begins with that. */
export const after = (path: string, prefix: string): string | undefined =>
  path.startsWith(prefix) ? path.slice(prefix.length) : undefined
