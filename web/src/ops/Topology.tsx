/** Both regions on the map, and every part with its health, as each says it for itself. */
import { capital } from '../lib/format'
import { useHeard, useLink, useNow, useOps, useRouting } from './context'
import { isStale, plainHealth, regionHealth, type Health } from './health'
import { Sign } from './Signs'
import { arc, LAND, pointOf, VIEW_BOX } from './worldmap'
import type { Role } from './types'

export function Topology() {
  return (
    <section id="parts" tabIndex={-1} className="topology" aria-labelledby="parts-title">
      <h2 id="parts-title" className="unseen">
        Parts
      </h2>
      <WorldMap />
      <div className="topology-grid">
        <RegionCard role="primary" />
        <Middle />
        <RegionCard role="secondary" />
      </div>
    </section>
  )
}

function WorldMap() {
  const ops = useOps()
  const link = useLink()
  const routing = useRouting()
  const reports = { primary: useHeard(ops.reports.primary), secondary: useHeard(ops.reports.secondary) }
  const points = { primary: pointOf(ops.names.primary, 'primary'), secondary: pointOf(ops.names.secondary, 'secondary') }
  const serving = routing?.state === 'failover' ? 'secondary' : 'primary'
  const down = (['primary', 'secondary'] as const).some(role => regionHealth(reports[role]).tone === 'bad')
  const flow = down && link.tone === 'good' ? 'unknown' : link.tone // nothing flows to or from a region that is down
  const path = arc(points.primary, points.secondary)
  return (
    <svg className="map" viewBox={VIEW_BOX} preserveAspectRatio="xMidYMid slice" aria-hidden="true">
      <path d={LAND} className="map-land" />
      <path d={path} className={`map-arc sign-${flow}`} />
      {(['primary', 'secondary'] as const).map(role => (
        <g key={role} className={`map-node sign-${regionHealth(reports[role]).tone}`}>
          {serving === role && regionHealth(reports[role]).tone !== 'bad' && <circle cx={points[role][0]} cy={points[role][1]} r="15" className="map-halo" />}
          <circle cx={points[role][0]} cy={points[role][1]} r="6" />
        </g>
      ))}
    </svg>
  )
}

function RegionCard({ role }: { role: Role }) {
  const ops = useOps()
  const heard = useHeard(ops.reports[role])
  const routing = useRouting()
  const seen = useHeard(ops.status).value?.status[role]
  const serving = routing && (routing.state === 'failover') === (role === 'secondary')
  const { value } = heard
  const health = regionHealth(heard)
  const differs = seen && heard.failed === null && !seen.answers
  return (
    <section className={`part region-card ${serving ? 'serving' : ''}`} aria-label={`${ops.labels[role]}, ${role}`}>
      <header>
        <div>
          <h3>{ops.labels[role]}</h3>
          <p className="fine muted">
            {ops.names[role]}, {role}
          </p>
        </div>
        {serving && health.tone !== 'bad' && <span className="tag">Serving</span>}
      </header>
      <p className="part-sign">
        <Sign health={health} />
      </p>
      {health.why && <p className="fine">{health.why}</p>}
      {differs && <p className="fine sign-warn">Answers here, but not the authority.</p>}
      {value && <Facts role={role} />}
      {value && <Age heard={heard} />}
    </section>
  )
}

function Facts({ role }: { role: Role }) {
  const { value } = useHeard(useOps().reports[role])
  if (!value) return null
  const rows: [string, string][] = [
    ['Obeys', `${value.state}, epoch ${value.epoch}`],
    ...(value.sequence === null ? [] : [pair('Last change', value.sequence)]),
    ...Object.entries(value.counts).map(([kind, count]) => pair(capital(kind), count)),
    ['Durability', value.degradedSince ? `${value.durability}, degraded` : value.durability],
  ]
  if (value.leaseSeconds !== null && value.writes) rows.push(['Lease', `${value.leaseSeconds.toFixed(1)} s left`])
  return (
    <dl className="facts">
      {rows.map(([name, text]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  )
}

const pair = (name: string, count: number): [string, string] => [name, count.toLocaleString('en')]

/** Values that are not fresh say how old they are. */
function Age({ heard }: { heard: { at: number | null; failed: string | null; value: unknown } }) {
  const now = useNow()
  if (!isStale(heard, now) || heard.at === null) return null
  return <p className="fine muted">As of {Math.max(1, Math.round((now - heard.at) / 1000))} s ago</p>
}

function Middle() {
  const ops = useOps()
  const link = useLink()
  const authority = plainHealth(useHeard(ops.status), 'Decides')
  const edge = plainHealth(useHeard(ops.edge), 'Serves this page')
  return (
    <ul className="part middle" aria-label="Between the regions">
      <Row name="Authority" health={authority} />
      <Row name="Link" health={link} />
      <Row name="Edge" health={edge} />
    </ul>
  )
}

const Row = ({ name, health }: { name: string; health: Health }) => (
  <li>
    <h3>{name}</h3>
    <Sign health={health} />
  </li>
)
