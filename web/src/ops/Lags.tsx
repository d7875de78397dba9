/** How far each region is behind the other, now and over time. What is unknown is shown as unknown. */
import { useState } from 'react'
import { useStore } from '../context'
import { Chart } from './Chart'
import { useHeard, useOps } from './context'
import { highest, pointsOf, shown, type Unit } from './series'
import { Section } from './Section'
import type { Lag, Role } from './types'

const UNITS: readonly Unit[] = ['seconds', 'changes', 'bytes']

export function Lags() {
  const [unit, setUnit] = useState<Unit>('seconds')
  return (
    <Section id="lag" title="Replication lag" note="last 15 minutes" className="lag-section" actions={<Units unit={unit} onChange={setUnit} />}>
      <div className="two-panels">
        <Stream to="secondary" unit={unit} />
        <Stream to="primary" unit={unit} />
      </div>
    </Section>
  )
}

function Units({ unit, onChange }: { unit: Unit; onChange(unit: Unit): void }) {
  return (
    <fieldset className="segments">
      <legend className="unseen">Chart of</legend>
      {UNITS.map(each => (
        <label key={each}>
          <input type="radio" name="unit" checked={each === unit} onChange={() => onChange(each)} />
          <span>{each}</span>
        </label>
      ))}
    </fieldset>
  )
}

function Stream({ to, unit }: { to: Role; unit: Unit }) {
  const ops = useOps()
  const { value, failed } = useHeard(ops.reports[to])
  const samples = useStore(ops.samples[to])
  const points = pointsOf(samples, unit)
  const from = to === 'primary' ? 'secondary' : 'primary'
  const title = `${ops.labels[from]} → ${ops.labels[to]}`
  const lag: Lag = failed === null && value ? value.lag : { seconds: null, changes: null, bytes: null }
  const objective = ops.operations.lagObjectiveSeconds
  const top = highest(points)
  const said = `${title}: now ${shown(lag[unit], unit)}, highest ${shown(top, unit)} in the last 15 minutes.`
  return (
    <figure className="card lag">
      <figcaption>
        <h3>{title}</h3>
        <Verdict lag={lag} objective={objective} />
      </figcaption>
      <dl className="lag-now">
        {UNITS.map(each => (
          <div key={each} className={lag[each] === null ? 'is-unknown' : ''}>
            <dt>{each === 'seconds' ? 'behind' : each}</dt>
            <dd>{shown(lag[each], each)}</dd>
          </div>
        ))}
      </dl>
      <Chart points={points} unit={unit} objective={unit === 'seconds' ? objective : null} label={said} />
      <p className="fine muted lag-foot">
        <span>Highest {shown(top, unit)}</span>
        <span>Objective {objective} s</span>
      </p>
    </figure>
  )
}

function Verdict({ lag, objective }: { lag: Lag; objective: number }) {
  if (lag.seconds === null) return <span className="tag sign-warn">Unknown</span>
  if (lag.seconds > objective) return <span className="tag sign-bad">Over the objective</span>
  if (lag.changes === null) return <span className="tag sign-warn">Not heard from</span>
  return <span className="tag sign-good">{lag.changes === 0 ? 'Level' : 'Within the objective'}</span>
}
