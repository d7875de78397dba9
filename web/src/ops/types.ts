/** What the operators' API answers, as it stands on the wire. */
import type { RegionStatus, Role, Writing } from '../lib/schema'
import type { AppState } from '../lib/state'

export type { Lag, Role } from '../lib/schema'

export interface StateOf {
  state: AppState
  epoch: number
  writer: string | null
  regions: Record<Role, string>
}

/** What a region says of itself. */
export type Report = RegionStatus

export type Seen = ({ answers: true } & Report) | { answers: false; detail: string }

export interface Decision extends StateOf {
  what: string
  actor: string
  at: string
  reason: string
  facts: Record<string, unknown>
  /** How many decisions in a row about losses this is; else 1. */
  count: number
}

export interface Status extends StateOf {
  lastChange: Decision
  status: Record<Role, Seen>
  authority: { writing: Writing | null }
}

export interface Move {
  name: string
  kind: 'planned' | 'at once' | 'takeover' | 'repair'
  path: string
  order: Record<string, unknown>
  becomes: StateOf
  does: string[]
  refused: string | null
  needsWord: string | null
  prediction: string | null
  predictedLoss: Record<string, unknown> | null
  /** What the last drill of this kind measured, in a sentence. */
  lastDrill: string | null
}

export interface Moves extends StateOf {
  moves: Move[]
}

export interface Step {
  name: string
  outcome: 'done' | 'not needed' | 'not confirmed'
  seconds: number
  detail: string
}

export interface Run {
  number: number
  what: string
  to: AppState
  actor: string
  reason: string
  beganAt: string
  steps: Step[]
  outcome: 'running' | 'done' | 'failed' | 'stopped'
  detail: string
}

export interface Automatic {
  mode: 'automatic' | 'manual'
  paused: boolean
  unacknowledged: boolean
  /** The last one, while nobody has acknowledged it. */
  takeover: { epoch: number; at: string; reason: string } | null
  waitsBecause: string | null
  /** Under which conditions writing moves at once, or would if the takeover were acknowledged. */
  movesNow: string | null
}

export interface Loss {
  id: string
  region: Role
  record: string
  what: string
  user: string
  at: string
  bytes: number
  reason: string
  lostAt: string
  outcome: 'pending' | 'applied' | 'discarded'
  decidedBy: string | null
}

export interface Losses {
  losses: Loss[]
  notAnswering: string[]
}

export type Condition = 'runs' | 'frozen' | 'ended' | 'unknown'

interface Line {
  cut: boolean
  delayMilliseconds: number
}

export interface Faults {
  parts: Record<string, Condition>
  links: Record<Role, { there: Line; back: Line }> | null
}

/** When (seconds since 1970), seconds behind, changes, bytes. */
export type Sample = readonly [number, number | null, number | null, number | null]

export interface Account {
  username: string
  email: string
  status: string
  enabled: boolean
  createdAt: number
}
