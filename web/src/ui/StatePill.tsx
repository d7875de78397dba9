/** The state in a word, a shape and a colour, and the region that serves this page. Always there; nothing is called active that does not answer. */
import { useSituation } from '../context'
import { STATE_NAMES, type AppState } from '../lib/state'

const SHAPES: Record<AppState, string> = {
  active: 'M6 1.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 0 1 0-9z', // a disc: running
  fenced: 'M2.5 1.5h2.6v9H2.5zM6.9 1.5h2.6v9H6.9z', // two bars: paused
  failover: 'M6 .8L11.4 10.6H.6z', // a triangle: out of the ordinary
}

const CROSS = 'M2.6 1.2L6 4.6L9.4 1.2L10.8 2.6L7.4 6L10.8 9.4L9.4 10.8L6 7.4L2.6 10.8L1.2 9.4L4.6 6L1.2 2.6z'

export function StatePill() {
  const { view, region, notice } = useSituation()
  if (!view.document) return null
  const { state } = view.document
  const silent = notice?.kind === 'offline'
  return (
    <p className={`pill tone-${silent ? 'silent' : state}`}>
      <svg aria-hidden="true" width="10" height="10" viewBox="0 0 12 12">
        <path d={silent ? CROSS : SHAPES[state]} fill="currentColor" />
      </svg>
      <span>
        <span className="unseen">State: </span>
        {silent ? 'No answer' : STATE_NAMES[state]}
      </span>
      <span className="pill-region">
        <span className="unseen">{silent ? ', last served from ' : ', served from '}</span>
        {region.label}
      </span>
    </p>
  )
}
