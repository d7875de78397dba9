/** How each part is, in a word, and what somebody has to know first. Pure, so that every case can be tested. */
import type { Heard } from './feed'
import type { Automatic, Faults, Losses, Report, Role, StateOf, Status } from './types'

export type Tone = 'good' | 'warn' | 'bad' | 'unknown'

export interface Health {
  tone: Tone
  word: string
  why: string
}

/** Answers that are older than this are said to be old. */
export const STALE_MS = 6_000

export const isStale = (heard: Heard<unknown>, nowMs: number): boolean =>
  heard.failed !== null || heard.at === null || nowMs - heard.at > STALE_MS

export function regionHealth(heard: Heard<Report>): Health {
  const { value, failed } = heard
  if (failed !== null) return { tone: 'bad', word: 'Down', why: value ? '' : failed }
  if (value === null) return { tone: 'unknown', word: 'Asking…', why: '' }
  if (!value.ready) return { tone: 'warn', word: 'Not ready', why: value.reasons.join(' · ') }
  const why = value.reasons.join(' · ')
  return { tone: why ? 'warn' : 'good', word: value.writes ? 'Reads and writes' : 'Reads', why }
}

export interface Standing {
  reading: string
  writing: string
  /** In two words, what is not as was decided. */
  trouble: string | null
}

interface Placed {
  state: StateOf
  labels: Record<Role, string>
  reports: Record<Role, Heard<Report>>
}

const otherRole = (role: Role): Role => (role === 'primary' ? 'secondary' : 'primary')

const unbroken = (name: string): string => name.replaceAll(' ', '\u00a0')

/** What readers and writers get at this moment, whatever was decided: a region that does not answer serves nobody. */
export function standing({ state, labels: written, reports }: Placed): Standing {
  const labels = { primary: unbroken(written.primary), secondary: unbroken(written.secondary) }
  const answers = (role: Role) => reports[role].failed === null
  const serving: Role = state.state === 'failover' ? 'secondary' : 'primary'
  const writer = (['primary', 'secondary'] as const).find(role => state.regions[role] === state.writer)
  if (!answers('primary') && !answers('secondary')) return { reading: 'Neither region answers', writing: 'nobody can read or write', trouble: 'both regions down' }
  const reading = answers(serving)
    ? `Served from ${labels[serving]}`
    : `${labels[serving]} does not answer, so readers see the copy in ${labels[otherRole(serving)]}`
  const down = answers(serving) ? null : `${labels[serving]} down`
  if (!writer) return { reading, writing: 'nobody can write', trouble: down }
  if (!answers(writer)) return { reading, writing: `nobody can write until ${labels[writer]} is back`, trouble: `${labels[writer]} down` }
  const { value } = reports[writer]
  const stopped = value !== null && value.epoch === state.epoch && !value.writes
  if (stopped) return { reading, writing: `${labels[writer]} takes no writes now`, trouble: 'no writing' }
  return { reading, writing: `writing goes to ${labels[writer]}`, trouble: down }
}

export function plainHealth(heard: Heard<unknown>, word: string): Health {
  if (heard.failed !== null) return { tone: 'bad', word: 'Down', why: '' }
  return heard.value === null ? { tone: 'unknown', word: 'Asking…', why: '' } : { tone: 'good', word, why: '' }
}

/** One direction of the link: to `role`, on the answers of the link that leads to the other region, and its own requests. */
export function lineTo(role: Role, { links }: Faults): { cut: boolean; delayMs: number } | null {
  if (!links) return null
  const ways = [links[role].there, links[role === 'primary' ? 'secondary' : 'primary'].back]
  return { cut: ways.some(way => way.cut), delayMs: Math.max(...ways.map(way => way.delayMilliseconds)) }
}

export function linkHealth(heard: Heard<Faults>): Health {
  if (heard.failed !== null || (heard.value && !heard.value.links)) return { tone: 'bad', word: 'Down', why: '' }
  if (!heard.value) return { tone: 'unknown', word: 'Asking…', why: '' }
  const ways = (['primary', 'secondary'] as const).map(role => lineTo(role, heard.value!)!)
  const cut = ways.filter(way => way.cut).length
  if (cut > 0) return { tone: 'bad', word: cut === 2 ? 'Cut' : 'Cut one way', why: '' }
  const delay = Math.max(...ways.map(way => way.delayMs))
  return delay > 0 ? { tone: 'warn', word: `Slowed by ${delay} ms`, why: '' } : { tone: 'good', word: 'Up', why: '' }
}

/** Without faults to ask the wire by, the link is judged by whether the regions hear each other. */
export function heardLink(reports: readonly Heard<Report>[]): Health {
  const known = reports.filter(({ value, failed }) => value !== null && failed === null)
  if (known.length === 0) return { tone: 'unknown', word: 'Unknown', why: 'neither region answers' }
  const broken = known.some(({ value }) => value!.replicating === false)
  return broken ? { tone: 'bad', word: 'Broken', why: '' } : { tone: 'good', word: 'Up', why: '' }
}

export interface Concern {
  id: string
  tone: 'warn' | 'bad'
  text: string
  /** The section where something can be done about it. */
  at: string
  action: string
}

interface Known {
  labels: Record<Role, string>
  reports: Record<Role, Heard<Report>>
  authority: Heard<Status>
  automatic: Heard<Automatic>
  losses: Heard<Losses>
  link: Health
  objectiveSeconds: number
  /** Whether parts can be started from this page. */
  local: boolean
}

/** What needs somebody, the most urgent first. */
export function concerns(known: Known): Concern[] {
  return [...downs(known), ...linked(known), ...degraded(known), ...behind(known), ...decisions(known)]
}

function downs({ labels, reports, authority, local }: Known): Concern[] {
  const down = (['primary', 'secondary'] as const).filter(role => reports[role].failed !== null)
  const found: Concern[] = down.map(role => ({
    id: `down-${role}`,
    tone: 'bad',
    text: `${labels[role]} ${reports[role].failed}.`,
    at: 'state',
    action: 'See what can be done',
  }))
  if (authority.failed !== null) {
    const text = `The authority ${authority.failed}. Reading, writing and replication go on; the state cannot be changed until it is back.`
    found.push({ id: 'authority', tone: 'bad', text, ...(local ? { at: 'faults', action: 'Start it' } : { at: 'parts', action: 'See the parts' }) })
    return found
  }
  const writing = authority.value?.authority.writing
  if (writing?.problem) {
    const text = `The authority cannot write its state: ${writing.problem}, since ${timeOf(writing.since ?? '')}. Reading and writing go on.`
    found.push({ id: 'authority-disk', tone: 'bad', text, at: 'state', action: 'See what can be done' })
  }
  return found
}

function linked({ link }: Known): Concern[] {
  if (link.tone !== 'bad') return []
  const text = `The link between the regions is ${link.word.toLowerCase()}: what is written in one does not reach the other.`
  return [{ id: 'link', tone: 'bad', text, at: 'lag', action: 'See the lag' }]
}

function degraded({ labels, reports }: Known): Concern[] {
  return (['primary', 'secondary'] as const).flatMap(role => {
    const since = reports[role].value?.degradedSince
    if (!since) return []
    const text = `Durability is degraded since ${timeOf(since)}: ${labels[role]} acknowledges writes that the other region does not have yet.`
    return [{ id: `degraded-${role}`, tone: 'warn' as const, text, at: 'lag', action: 'See the lag' }]
  })
}

function behind({ labels, reports, objectiveSeconds }: Known): Concern[] {
  return (['primary', 'secondary'] as const).flatMap(role => {
    const { value, failed } = reports[role]
    const seconds = value?.lag.seconds
    if (failed !== null || seconds === null || seconds === undefined || seconds <= objectiveSeconds) return []
    // Without the figure, which is another one every two seconds: this is read aloud when it changes.
    const text = `${labels[role]} is further behind than the objective of ${objectiveSeconds} s.`
    return [{ id: `lag-${role}`, tone: 'warn' as const, text, at: 'lag', action: 'See the lag' }]
  })
}

function decisions({ losses, automatic }: Known): Concern[] {
  const pending = losses.value?.losses.filter(({ outcome }) => outcome === 'pending').length ?? 0
  const found: Concern[] = []
  if (pending > 0) {
    const text = `${pending.toLocaleString('en')} lost ${pending === 1 ? 'write waits' : 'writes wait'} for a decision.`
    found.push({ id: 'losses', tone: 'warn', text, at: 'losses', action: 'Decide' })
  }
  if (automatic.value?.unacknowledged) {
    const text = 'There was an automatic takeover. There is no other until somebody acknowledges it.'
    found.push({ id: 'automatic', tone: 'warn', text, at: 'automatic', action: 'Acknowledge' })
  }
  return found
}

const CLOCK = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

/** Of every time on the page: the reader's own. */
export const ZONE = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' }).formatToParts().find(({ type }) => type === 'timeZoneName')?.value ?? ''

export const timeOf = (iso: string): string => CLOCK.format(Date.parse(iso))
