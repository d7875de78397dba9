/** What a move is called, and what has to be typed before it is made. Words alone: whether it can be made is the server's to say. */
import type { Move, Role, StateOf } from './types'

export interface Wording {
  title: string
  /** What the button in the confirmation says. */
  verb: string
  /** What has to be typed: where it leads, or, for a takeover, the region that is given up. */
  word: string
}

export function wording(move: Move, labels: Record<Role, string>): Wording {
  const { becomes, kind } = move
  const serving = becomes.state === 'failover' ? labels.secondary : labels.primary
  const mode = becomes.state === 'failover' ? (becomes.writer ? '' : ', read-only') : ''
  if (kind === 'takeover') {
    const lost = becomes.regions[becomes.state === 'failover' ? 'primary' : 'secondary']
    return { title: `Take over in ${serving}${mode}`, verb: 'Take over', word: lost }
  }
  if (kind === 'repair') return { title: 'Recover the authority', verb: 'Recover', word: 'recover' }
  if (kind === 'at once') return atOnce(becomes, serving)
  if (becomes.state === 'failover') return { title: `Fail over to ${serving}${mode}`, verb: 'Fail over', word: 'failover' }
  return { title: `Return to ${serving}`, verb: 'Return', word: 'active' }
}

function atOnce({ state }: StateOf, serving: string): Wording {
  const titles = {
    active: `Set active: write in ${serving}`,
    fenced: 'Set fenced: stop all writing',
    failover: `Set failover: read in ${serving}`,
  }
  return { title: titles[state], verb: `Set ${state}`, word: state }
}

/** A takeover comes first where a region is silent, and last where none is; what is all there is comes first in any case. */
export function ordered(moves: readonly Move[], lost: boolean): { usual: Move[]; other: Move[] } {
  const open = moves.filter(({ refused }) => refused === null)
  const first = (move: Move) => move.kind === 'repair' || move.kind === (lost ? 'takeover' : 'planned')
  const usual = open.filter(first)
  return usual.length > 0 ? { usual, other: open.filter(move => !first(move)) } : { usual: open, other: [] }
}

export const refusedOnes = (moves: readonly Move[]): Move[] =>
  moves.filter(({ refused, kind }) => refused !== null && kind !== 'takeover')

/** What it costs, in a word for the list. */
export function cost({ kind, prediction, becomes }: Move): string {
  if (kind === 'planned') return 'Loses nothing.'
  if (kind === 'repair') return 'Loses nothing.'
  if (prediction === null) return 'Loses nothing.'
  if (!becomes.writer) return `Not seen until the region is back: ${prediction}.`
  return `May lose ${prediction}.`
}
