/** What takeovers lost, write by write: to make again, or to let go. */
import { useState } from 'react'
import { bytes, counted } from '../lib/format'
import { useCall } from '../ui/useCall'
import { useHeard, useOps } from './context'
import { DecideDialog, type Decided } from './DecideDialog'
import { timeOf } from './health'
import { Section } from './Section'
import type { Loss } from './types'

const SHOWN = 50

export function Losses() {
  const ops = useOps()
  const { value, failed } = useHeard(ops.losses)
  const [deciding, setDeciding] = useState<'apply' | 'discard' | null>(null)
  const settle = useSettle()
  const pending = value?.losses.filter(({ outcome }) => outcome === 'pending') ?? []
  const actions = pending.length > 0 && (
    <div className="actions">
      <button className="button small" disabled={settle.busy} onClick={() => setDeciding('apply')}>
        Apply all…
      </button>
      <button className="button small" disabled={settle.busy} onClick={() => setDeciding('discard')}>
        Discard all…
      </button>
    </div>
  )
  return (
    <Section id="losses" title="Lost writes" note={pending.length ? `${counted(pending.length, 'decision')} to make` : undefined} actions={actions}>
      {value === null && <p className="muted">{failed === null ? 'Asking…' : `The authority ${failed}.`}</p>}
      {value?.notAnswering.map(region => (
        <p key={region} className="notice sign-warn">
          {ops.label(region)} does not answer. What it has lost is known when it is back.
        </p>
      ))}
      {value?.losses.length === 0 && value.notAnswering.length === 0 && <p className="muted">Nothing is known to be lost.</p>}
      {value && value.losses.length > 0 && <LossTable losses={newestFirst(value.losses)} busy={settle.busy} onDecide={settle.one} />}
      <div aria-live="polite">
        {settle.notes.map(note => (
          <p key={note} className="notice sign-warn">
            {note}
          </p>
        ))}
        {settle.error instanceof Error && <p className="notice sign-bad">{settle.error.message}</p>}
      </div>
      {deciding && <DecideDialog verb={deciding} count={pending.length} onClose={() => setDeciding(null)} onConfirm={settle.all(deciding)} />}
    </Section>
  )
}

/** Pending ones first, in the order they were made: applying them goes in that order, too. */
const newestFirst = (losses: readonly Loss[]): Loss[] => [
  ...losses.filter(({ outcome }) => outcome === 'pending'),
  ...losses.filter(({ outcome }) => outcome !== 'pending').reverse(),
]

/** Orders, and what came of those that were not done. */
function useSettle() {
  const ops = useOps()
  const { busy, error, run } = useCall()
  const [notes, setNotes] = useState<string[]>([])
  const order = (verb: string, ids: string[] | null, force = false) =>
    run(async () => {
      setNotes([])
      await ops.order(`/operator/losses/${verb}`, { ids, force }, line => {
        const settled = line.settled as Decided | undefined
        if (settled?.outcome === 'kept') setNotes(known => [...known, `${settled.id} was kept: ${settled.detail}`])
      })
    })
  return {
    busy,
    error,
    notes,
    one: (verb: string, id: string) => void order(verb, [id]),
    all: (verb: string) => (force: boolean) => order(verb, null, force),
  }
}

interface TableProps {
  losses: Loss[]
  busy: boolean
  onDecide(verb: string, id: string): void
}

function LossTable({ losses, busy, onDecide }: TableProps) {
  const [all, setAll] = useState(false)
  const shared = losses.every(({ reason }) => reason === losses[0]!.reason) ? losses[0]!.reason : null
  return (
    <>
      {shared && losses.length > 1 && <p className="fine muted">All: {shared}.</p>}
      <ul className="rows-list" aria-label="Lost writes">
        {losses.slice(0, all ? losses.length : SHOWN).map(loss => (
          <li key={`${loss.region}-${loss.id}`}>
            <div className="row-main">
              <b>{loss.what}</b>
              <p className="fine muted">
                {loss.id} · {timeOf(loss.at)} · by {loss.user} · {bytes(loss.bytes)}
                {(shared === null || losses.length === 1) && ` · ${loss.reason}`}
              </p>
            </div>
            {loss.outcome === 'pending' ? (
              <div className="actions">
                <button className="button small" disabled={busy} onClick={() => onDecide('apply', loss.id)} aria-label={`Apply ${loss.id}`}>
                  Apply
                </button>
                <button className="button small quiet" disabled={busy} onClick={() => onDecide('discard', loss.id)} aria-label={`Discard ${loss.id}`}>
                  Discard
                </button>
              </div>
            ) : (
              <span className="fine muted">
                {loss.outcome} by {loss.decidedBy}
              </span>
            )}
          </li>
        ))}
      </ul>
      {losses.length > SHOWN && (
        <button className="linklike fine" onClick={() => setAll(!all)}>
          {all ? 'Show fewer' : `Show all ${losses.length.toLocaleString('en')}`}
        </button>
      )}
    </>
  )
}
