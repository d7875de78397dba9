/** The words for each case: state × the region this page is bound to × what can be reached. */
import { otherRegion, regionConfig, type UiConfig } from './config'
import type { AppState } from './state'
import { homeOf, isWritable, type View } from './view'

export type Kind =
  'fenced' | 'failover' | 'failover-writable' | 'moved' | 'returned' | 'returned-fenced' | 'away' | 'offline'

export interface Notice {
  kind: Kind
  /** The colour of the state it speaks of. */
  tone: Exclude<AppState, 'active'>
  title: string
  text: string
  /** Where the page can go, if it should. */
  move?: { label: string; region: string }
}

type Words = (here: string, there: string) => Omit<Notice, 'kind' | 'move'> & { move?: string }

const WORDS: Record<Kind, Words> = {
  fenced: () => ({
    tone: 'fenced',
    title: 'Read-only for now',
    text: 'New photographs and comments are paused. Everything stays viewable, and what you have typed is kept.',
  }),
  failover: (here, there) => ({
    tone: 'failover',
    title: `Served from ${here}`,
    text: `${there} is out of service. New photographs and comments are paused; everything stays viewable.`,
  }),
  'failover-writable': (here, there) => ({
    tone: 'failover',
    title: `Served from ${here}`,
    text: `${there} is out of service. New photographs and comments are taken here meanwhile.`,
  }),
  moved: (here, there) => ({
    tone: 'failover',
    title: `The service has moved to ${there}`,
    text: `This page is still in ${here}. Move along to go on viewing; what you have typed comes with you.`,
    move: `Move to ${there}`,
  }),
  returned: (here, there) => ({
    tone: 'fenced',
    title: `${there} is back`,
    text: `This page is still in ${here}, where nothing can be added. Return to share photographs and comments again.`,
    move: `Return to ${there}`,
  }),
  'returned-fenced': (here, there) => ({
    tone: 'fenced',
    title: `${there} is back, read-only for now`,
    text: `Go on viewing in ${here}, or return to ${there}, where writing will start again.`,
    move: `Return to ${there}`,
  }),
  away: (here, there) => ({
    tone: 'failover',
    title: `${there} can’t be reached`,
    text: `You are seeing the copy in ${here}. Writing waits until ${there} is back; what you have typed is kept.`,
  }),
  offline: () => ({
    tone: 'failover',
    title: 'Neither region can be reached',
    text: 'What is on this page stays here. We keep trying, and carry on as soon as one answers.',
  }),
}

/** The six cases of DESIGN: bound to the primary, and bound to the secondary. Null: nothing to say. */
const CASES: Record<AppState, { primary: Kind | null; secondary: Kind }> = {
  active: { primary: null, secondary: 'returned' },
  fenced: { primary: 'fenced', secondary: 'returned-fenced' },
  failover: { primary: 'moved', secondary: 'failover' },
}

export function kindOf(config: UiConfig, view: View): Kind | null {
  const { document, bound, reach } = view
  if (document === null || bound === null) return null
  if (reach[bound] === 'down') return 'offline'
  const home = homeOf(config, document)
  if (bound !== home && reach[home] === 'down') return 'away'
  if (bound === home && isWritable(view)) return document.state === 'failover' ? 'failover-writable' : null
  // No writer named while active: a hand-over under way, which reads like the fence that it is.
  return CASES[document.state][bound === config.primary ? 'primary' : 'secondary'] ?? 'fenced'
}

export function noticeOf(config: UiConfig, view: View): Notice | null {
  const kind = kindOf(config, view)
  if (kind === null || view.bound === null) return null
  const there = otherRegion(config, view.bound)
  const words = WORDS[kind](regionConfig(config, view.bound).label, regionConfig(config, there).label)
  const { move, ...rest } = words
  return { kind, ...rest, ...(move ? { move: { label: move, region: there } } : {}) }
}
