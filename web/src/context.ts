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
}

export function useSituation(): Situation {
  const { connection, config } = useLightbox()
  const view = useStore(connection.view)
  const region = regionConfig(config, view.bound ?? config.primary)
  return { view, notice: noticeOf(config, view), writable: isWritable(view), region }
}
