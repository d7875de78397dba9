/** What needs somebody, the most urgent first. Read aloud when it changes; nothing is shown when all is well. */
import { useHeard, useLink, useOps } from './context'
import { concerns } from './health'
import { Shape } from './Signs'

export function Concerns() {
  const ops = useOps()
  const found = concerns({
    labels: ops.labels,
    reports: { primary: useHeard(ops.reports.primary), secondary: useHeard(ops.reports.secondary) },
    authority: useHeard(ops.status),
    automatic: useHeard(ops.automatic),
    losses: useHeard(ops.losses),
    link: useLink(),
    local: ops.operations.faults,
    objectiveSeconds: ops.operations.lagObjectiveSeconds,
  })
  return (
    <section className="concerns-place" aria-label="What needs attention" aria-live="polite">
      {found.length > 0 && (
        <ul className="concerns">
          {found.map(({ id, tone, text, at, action }) => (
            <li key={id} className={`sign-${tone}`}>
              <Shape tone={tone} size={13} />
              <p id={`concern-${id}`}>{text}</p>
              <button className="linklike" aria-describedby={`concern-${id}`} onClick={() => showSection(at)}>
                {action}
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function showSection(id: string): void {
  const section = document.getElementById(id)
  section?.scrollIntoView({ block: 'start' })
  section?.focus({ preventScroll: true })
}
