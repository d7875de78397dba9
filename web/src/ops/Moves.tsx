/** What can be done about the state now: each with what it does and costs, as the authority foresees it. */
import { useState } from 'react'
import { useHeard, useOps } from './context'
import { MoveDialog } from './MoveDialog'
import { cost, ordered, refusedOnes, wording } from './moves'
import { Section } from './Section'
import { StateSign } from './StateSign'
import type { Move } from './types'

export function Moves() {
  const ops = useOps()
  const { value, failed } = useHeard(ops.moves)
  const lost = [useHeard(ops.reports.primary), useHeard(ops.reports.secondary)].some(report => report.failed !== null)
  const [chosen, setChosen] = useState<{ move: Move; epoch: number } | null>(null)
  const { usual, other } = ordered(value?.moves ?? [], lost)
  const refused = refusedOnes(value?.moves ?? [])
  const list = (moves: Move[]) => (
    <MoveList moves={moves} disabled={failed !== null} onChoose={move => setChosen({ move, epoch: value!.epoch })} />
  )
  return (
    <Section id="state" title="State" actions={value && <StateSign state={value.state} />}>
      {failed !== null && (
        <p className="notice sign-bad">The authority {failed}, so the state cannot be changed now. Regions go on as they are.</p>
      )}
      {value === null && failed === null && <p className="muted">Asking the authority what can be done…</p>}
      {list(usual)}
      {other.length > 0 && (
        <details className="ops-more">
          <summary>{lost ? 'Other changes' : 'At once, or when a region is lost'}</summary>
          {list(other)}
        </details>
      )}
      {refused.length > 0 && (
        <details className="ops-more">
          <summary>Not possible now</summary>
          <ul className="refused">
            {refused.map(move => (
              <li key={move.name}>
                <b>{wording(move, ops.labels).title}</b>
                <p className="fine muted">{move.refused}</p>
              </li>
            ))}
          </ul>
        </details>
      )}
      {chosen && <MoveDialog {...chosen} onClose={() => setChosen(null)} />}
    </Section>
  )
}

function MoveList({ moves, disabled, onChoose }: { moves: Move[]; disabled: boolean; onChoose(move: Move): void }) {
  const ops = useOps()
  return (
    <ul className="moves">
      {moves.map(move => {
        const { title, verb } = wording(move, ops.labels)
        return (
          <li key={move.name}>
            <div>
              <h3>{title}</h3>
              <p className="fine muted">{cost(move)}</p>
            </div>
            <button className="button small" disabled={disabled} onClick={() => onChoose(move)} aria-label={title} aria-haspopup="dialog">
              {verb}
            </button>
          </li>
        )
      })}
    </ul>
  )
}
