/** What the authority does at this moment, or did last: step by step, whoever ordered it. */
import { ago, counted } from '../lib/format'
import { STATE_NAMES } from '../lib/state'
import { DoneIcon, WarningIcon } from '../ui/icons'
import { useHeard, useNow, useOps } from './context'
import { Section } from './Section'
import type { Run, Step } from './types'

const OUTCOMES: Record<Run['outcome'], string> = {
  running: 'Under way',
  done: 'Done',
  failed: 'Did not finish',
  stopped: 'Stopped',
}
const TONES: Record<Run['outcome'], string> = { running: 'warn', done: 'good', failed: 'bad', stopped: 'bad' }

export function Runs() {
  const runs = useHeard(useOps().runs).value ?? []
  const shown = runs.filter(({ outcome }, index) => outcome === 'running' || index === 0)
  return (
    <Section id="runs" title={runs.some(({ outcome }) => outcome === 'running') ? 'Under way' : 'Last order'}>
      {shown.length === 0 && <p className="muted">Nothing has been ordered since the authority started.</p>}
      {shown.map(run => (
        <RunView key={run.number} run={run} />
      ))}
    </Section>
  )
}

function RunView({ run }: { run: Run }) {
  useNow()
  return (
    <article className="run" aria-label={`${run.what} to ${run.to}`}>
      <p className="run-head">
        <b>To {STATE_NAMES[run.to]}</b>
        <span className={`tag sign-${TONES[run.outcome]}`}>{OUTCOMES[run.outcome]}</span>
        <span className="fine muted">
          by {run.actor}, {ago(run.beganAt)}
        </span>
      </p>
      {run.reason && <p className="fine muted">“{run.reason}”</p>}
      <Steps key={run.outcome} run={run} />
      {run.detail && <p className="notice sign-bad">{run.detail}</p>}
    </article>
  )
}

/** Open while there is something to see, and where it stopped. */
function Steps({ run: { steps, outcome } }: { run: Run }) {
  const seconds = steps.reduce((sum, step) => sum + step.seconds, 0)
  return (
    <details className="run-steps" open={outcome !== 'done'}>
      <summary>
        {counted(steps.length, 'step')}
        {outcome === 'done' && `, ${seconds < 0.1 ? 'under 0.1' : seconds.toFixed(1)} s`}
      </summary>
      <StepList steps={steps} running={outcome === 'running'} />
    </details>
  )
}

export function StepList({ steps, running }: { steps: Step[]; running: boolean }) {
  return (
    <ol className="steps">
      {steps.map((step, index) => (
        <li key={index} className={`step-${step.outcome.replace(' ', '-')}`}>
          {step.outcome === 'not confirmed' ? <WarningIcon size={16} /> : <DoneIcon size={16} />}
          <div>
            <b>{step.name}</b>
            {step.outcome !== 'done' && <span className="fine"> {step.outcome}</span>}
            <p className="fine muted">{step.detail}</p>
          </div>
          <span className="fine muted num">{step.outcome === 'done' ? `${Math.round(step.seconds * 1000)} ms` : ''}</span>
        </li>
      ))}
      {running && (
        <li className="step-running">
          <span className="spinner" aria-hidden="true" />
          <b>Working…</b>
        </li>
      )}
    </ol>
  )
}
