/**
 * What this page believes, and what follows from it: pure, so that every case can be tested.
 * Only history and epoch order state documents; only an answer, or its absence, says that a region is up or down.
 */
import { otherRegion, type UiConfig } from './config'
import type { StateDocument } from './state'

export type Reach = 'unknown' | 'up' | 'down'

export interface View {
  document: StateDocument | null
  /** The region this page talks to; null until one has answered. */
  bound: string | null
  reach: Readonly<Record<string, Reach>>
}

export const blankView = (config: UiConfig): View => ({
  document: null,
  bound: null,
  reach: { [config.primary]: 'unknown', [config.secondary]: 'unknown' },
})

/** Where the state says that pages belong. */
export const homeOf = (config: UiConfig, document: StateDocument): string =>
  document.state === 'failover' ? config.secondary : config.primary

/** Epochs are compared within one history only: a history that goes on from another one replaces all its epochs. */
export function isStale({ document: known }: View, document: StateDocument): boolean {
  if (known === null) return false
  const [own, other] = [known.history ?? '', document.history ?? '']
  if (own === other || !own || !other) return document.epoch < known.epoch
  return !document.succeeds?.includes(own) && (known.succeeds?.includes(other) || document.epoch < known.epoch)
}

/** A region answered. A document of an older epoch proves that the region is up, and nothing else. */
export function heard(config: UiConfig, view: View, region: string, document: StateDocument): View {
  const believed = isStale(view, document) ? view.document : document
  return settle(config, { ...view, document: believed, reach: { ...view.reach, [region]: 'up' } })
}

/** A region did not answer. */
export const silent = (config: UiConfig, view: View, region: string): View =>
  settle(config, { ...view, reach: { ...view.reach, [region]: 'down' } })

/** A newer document came by another way, such as a refusal. */
export const told = (view: View, document: StateDocument): View =>
  isStale(view, document) ? view : { ...view, document }

export const movedTo = (view: View, region: string): View => ({ ...view, bound: region })

/** A page binds once, and leaves by itself only a region that is down: what is on screen does not jump about. */
function settle(config: UiConfig, view: View): View {
  if (view.document === null) return view
  if (view.bound === null) return { ...view, bound: firstBinding(config, view, view.document) }
  const other = otherRegion(config, view.bound)
  const lost = view.reach[view.bound] === 'down' && view.reach[other] === 'up'
  return lost ? { ...view, bound: other } : view
}

function firstBinding(config: UiConfig, view: View, document: StateDocument): string | null {
  const home = homeOf(config, document)
  if (view.reach[home] === 'up') return home
  return view.reach[home] === 'down' ? otherRegion(config, home) : null
}

/** Writing needs the region to be the writer, whatever the state is called, and to be reachable. */
export const isWritable = (view: View): boolean =>
  view.document !== null &&
  view.bound !== null &&
  view.document.writer === view.bound &&
  view.reach[view.bound] !== 'down'
