/** What every screen needs, and the hooks that watch it. */
import { createContext, use, useSyncExternalStore } from 'react'
import { regionConfig, type RegionConfig } from './lib/config'
import type { Lightbox } from './lib/lightbox'
import { noticeOf, type Notice } from './lib/notice'
import type { Store } from './lib/store'
import { isWritable, type View } from './lib/view'

export const LightboxContext = createContext<Lightbox | null>(null)

export function useLightbox(): Lightbox {
  const lightbox = use(LightboxContext)
  if (!lightbox) throw new Error('LightboxContext is missing')
  return lightbox
}

export const useStore = <T>(store: Store<T>): T => useSyncExternalStore(store.subscribe, store.get)

export interface Situation {
  view: View
  notice: Notice | null
  writable: boolean
  /** The region this page is bound to. */
  region: RegionConfig
  /** Whether passwords can be changed and reset here now. */
  passwordsChange: boolean
  /** Whether the other region's password is worth nothing here. */
  ownPasswords: boolean
}

export function useSituation(): Situation {
  const { connection, config } = useLightbox()
  const view = useStore(connection.view)
  const region = regionConfig(config, view.bound ?? config.primary)
  const writable = isWritable(view)
  const { passwords } = region.auth
  return {
    view,
    notice: noticeOf(config, view),
    writable,
    region,
    passwordsChange: passwords === 'own' || (writable && passwords !== 'replica'),
    ownPasswords: passwords === 'own' && view.bound === config.secondary,
  }
}
