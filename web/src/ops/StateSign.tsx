/** The state as the gallery shows it: a word, a shape and a colour. */
import { STATE_NAMES, type AppState } from '../lib/state'

const SHAPES: Record<AppState, string> = {
  active: 'M6 1.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 0 1 0-9z',
  fenced: 'M2.5 1.5h2.6v9H2.5zM6.9 1.5h2.6v9H6.9z',
  failover: 'M6 .8L11.4 10.6H.6z',
}

const SQUARE = 'M1.5 1.5h9v9h-9z'

/** `trouble`: why nobody is served as the state says. */
export const StateSign = ({ state, trouble = null }: { state: AppState; trouble?: string | null }) => (
  <span className={`pill tone-${trouble === null ? state : 'failover'}`}>
    <svg aria-hidden="true" width="10" height="10" viewBox="0 0 12 12">
      <path d={trouble === null ? SHAPES[state] : SQUARE} fill="currentColor" />
    </svg>
    <span>
      <span className="unseen">State: </span>
      {STATE_NAMES[state]}
    </span>
    {trouble !== null && <span className="pill-region">{trouble}</span>}
  </span>
)
