/** Who decided what, when and why. Many decisions about losses in a row are one line. */
import { useState } from 'react'
import { counted } from '../lib/format'
import { useHeard, useOps } from './context'
import { timeOf, ZONE } from './health'
import { Section } from './Section'
import { StateSign } from './StateSign'
import type { Decision } from './types'

const SHOWN = 4

export function History() {
  const { value, failed } = useHeard(useOps().history)
  const [all, setAll] = useState(false)
  const lines = value ?? []
  return (
    <Section id="history" title="History" note={failed !== null && value ? 'as it was known last' : `times in ${ZONE}`}>
      {value === null && <p className="muted">{failed === null ? 'Asking…' : `The authority ${failed}.`}</p>}
      <ol className="history">
        {lines.slice(0, all ? lines.length : SHOWN).map(line => (
          <Line key={`${line.at}-${line.what}`} {...line} />
        ))}
      </ol>
      {lines.length > SHOWN && (
        <button className="linklike fine" onClick={() => setAll(!all)}>
          {all ? 'Show fewer' : `Show all ${lines.length}`}
        </button>
      )}
    </Section>
  )
}

function Line({ what, state, reason, actor, at, epoch, facts, count }: Decision) {
  return (
    <li>
      <div className="history-what">
        {what === 'state' ? <StateSign state={state} /> : <b>{what === 'loss' ? `${counted(count, 'lost write')} ${reason}` : `${what} ${reason}`}</b>}
        {what === 'state' && reason && <span>{reason}</span>}
      </div>
      <p className="fine muted">
        {timeOf(at)} · epoch {epoch} · by {actor}
      </p>
      {'towards' in facts && <p className="fine muted">{onTheWay(facts)}</p>}
      {'watermark' in facts && <p className="fine muted">{takeover(facts)}</p>}
    </li>
  )
}

export function onTheWay(facts: Record<string, unknown>): string {
  const { towards } = facts as { towards: { state: string; writable: boolean } }
  return `On the way to ${towards.state}${towards.writable ? ', writable' : ''}.`
}

interface TakeoverFacts {
  watermark?: { sequence: number }
  predictedLoss?: { changes: number; seconds: number | null } | null
  acceptedLoss?: boolean
}

function takeover(facts: Record<string, unknown>): string {
  const { watermark, predictedLoss, acceptedLoss } = facts as TakeoverFacts
  const began = `Took over after change ${watermark?.sequence.toLocaleString('en') ?? 'unknown'}`
  const missing = predictedLoss
    ? `missing then: ${counted(predictedLoss.changes, 'known change')} and ${predictedLoss.seconds === null ? 'an unknown time' : `the last ${predictedLoss.seconds.toFixed(1)} s`}`
    : 'what it lost was unknown, or nothing'
  return `${began}; ${missing}${acceptedLoss ? '; the loss was accepted' : ''}.`
}
