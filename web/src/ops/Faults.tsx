/** Losing parts on purpose, on a local deployment: for rehearsing what the rest of the page is for. */
import { useState, type FormEvent } from 'react'
import { useCall } from '../ui/useCall'
import { useHeard, useOps } from './context'
import { lineTo } from './health'
import { Section } from './Section'
import type { Condition, Role } from './types'

type Tell = (body: object) => void

const PARTS = ['primary', 'secondary', 'authority', 'wire'] as const
const WORDS: Record<Condition, string> = { runs: 'Runs', frozen: 'Frozen', ended: 'Ended', unknown: 'Unknown' }
const VERBS: Record<Condition, readonly [string, string][]> = {
  runs: [['kill', 'Kill'], ['freeze', 'Freeze']],
  frozen: [['resume', 'Resume'], ['kill', 'Kill']],
  ended: [['start', 'Start']],
  unknown: [['start', 'Start'], ['kill', 'Kill']],
} // prettier-ignore

export function Faults() {
  const ops = useOps()
  const { value, failed } = useHeard(ops.faults)
  const { busy, error, run } = useCall()
  const [doing, setDoing] = useState('')
  const tell: Tell = body => {
    setDoing('what' in body && body.what === 'start' ? 'Starting it takes a few seconds…' : '')
    void run(() => ops.fault(body)).then(() => setDoing(''))
  }
  return (
    <Section id="faults" title="Faults" note="for rehearsals: this deployment runs on one machine" className="card rehearsal">
      {failed !== null && <p className="notice sign-warn">The edge {failed}.</p>}
      <div className="fault-columns">
        <ul className="rows-list" aria-label="Processes">
          {PARTS.map(part => (
            <Process key={part} part={part} name={nameOf(part, ops.labels)} condition={value?.parts[part] ?? 'unknown'} busy={busy} tell={tell} />
          ))}
        </ul>
        {value?.links ? <Link busy={busy} tell={tell} /> : <p className="muted">The wire does not answer.</p>}
      </div>
      <p role="status" className="fine muted">
        {doing}
      </p>
      <p role="alert" className="error">
        {error instanceof Error ? error.message : ''}
      </p>
    </Section>
  )
}

const nameOf = (part: (typeof PARTS)[number], labels: Record<Role, string>): string =>
  part === 'authority' ? 'Authority' : part === 'wire' ? 'Wire' : `${labels[part]} region`

interface ProcessProps {
  part: string
  name: string
  condition: Condition
  busy: boolean
  tell: Tell
}

const Process = ({ part, name, condition, busy, tell }: ProcessProps) => (
  <li>
    <div className="row-main">
      <b>{name}</b>
      <p className={`fine ${condition === 'runs' ? 'muted' : 'sign-bad'}`}>{WORDS[condition]}</p>
    </div>
    <div className="actions">
      {VERBS[condition].map(([what, word]) => (
        <button key={what} className="button small" disabled={busy} onClick={() => tell({ what, part })} aria-label={`${word} ${name}`}>
          {word}
        </button>
      ))}
    </div>
  </li>
)

function Link({ busy, tell }: { busy: boolean; tell: Tell }) {
  const ops = useOps()
  const { value } = useHeard(ops.faults)
  const lines = value ? (['primary', 'secondary'] as const).map(role => lineTo(role, value)) : []
  const whole = lines.every(line => line !== null && !line.cut && line.delayMs === 0)
  const delay = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    tell({ what: 'delay', milliseconds: Number(new FormData(event.currentTarget).get('milliseconds')) })
  }
  return (
    <div>
      <ul className="rows-list" aria-label="Ways of the link">
        {(['secondary', 'primary'] as const).map(role => (
          <Way key={role} role={role} busy={busy} tell={tell} />
        ))}
      </ul>
      <form className="delay" onSubmit={delay}>
        <label>
          Delay each way, ms
          <input name="milliseconds" type="number" min={0} max={60000} step={1} defaultValue={75} required />
        </label>
        <button className="button small" disabled={busy}>
          Delay
        </button>
        <button type="button" className="button small" disabled={busy} onClick={() => tell({ what: 'cut' })}>
          Cut both ways
        </button>
        <button type="button" className="button small primary" disabled={busy || !value || whole} onClick={() => tell({ what: 'heal' })}>
          Heal
        </button>
      </form>
    </div>
  )
}

function Way({ role, busy, tell }: { role: Role; busy: boolean; tell: Tell }) {
  const ops = useOps()
  const { value } = useHeard(ops.faults)
  const line = value && lineTo(role, value)
  const state = !line ? 'unknown' : line.cut ? 'Cut' : line.delayMs > 0 ? `Open, ${line.delayMs} ms later` : 'Open'
  return (
    <li>
      <div className="row-main">
        <b>To {ops.labels[role]}</b>
        <p className={`fine ${line?.cut ? 'sign-bad' : 'muted'}`}>{state}</p>
      </div>
      <button className="button small" disabled={busy || line?.cut === true} onClick={() => tell({ what: 'cut', to: role })} aria-label={`Cut the way to ${ops.labels[role]}`}>
        Cut
      </button>
    </li>
  )
}
