/** The state as the gallery shows it: a word, a shape and a colour. */
import { STATE_NAMES, type AppState } from '../lib/state'

const SHAPES: Record<AppState, string> = {
  active: 'M6 1.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 0 1 0-9z',
  fenced: 'M2.5 1.5h2.6v9H2.5zM6.9 1.5h2.6v9H6.9z',
  failover: 'M6 .8L11.4 10.6H.6z',
}

export const StateSign = ({ state }: { state: AppState }) => (
  <span className={`pill tone-${state}`}>
    <svg aria-hidden="true" width="10" height="10" viewBox="0 0 12 12">
      <path d={SHAPES[state]} fill="currentColor" />
    </svg>
    <span>
      <span className="unseen">State: </span>
      {STATE_NAMES[state]}
    </span>
  </span>
)
