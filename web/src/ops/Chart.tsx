/** A line over the last minutes, with gaps where nothing is known, and the objective as a line of its own. Pointing at it reads it. */
import { useState, type PointerEvent } from 'react'
import { clock, nearest, pathsOf, scaleOf, shown, WINDOW_SECONDS, type Points, type Unit } from './series'

interface Props {
  points: Points
  unit: Unit
  objective: number | null
  label: string
}

const TICK_SECONDS = 300

export function Chart({ points, unit, objective, label }: Props) {
  const [pointed, setPointed] = useState<number | null>(null)
  const end = points.times.at(-1) ?? Date.now() / 1000
  const start = end - WINDOW_SECONDS
  const top = scaleOf(points, objective, unit)
  const { line, area } = pathsOf(points, start, top)
  const at = pointed === null ? null : nearest(points, start + pointed * WINDOW_SECONDS)
  const point = (event: PointerEvent) => {
    const { left, width } = event.currentTarget.getBoundingClientRect()
    setPointed(Math.min(1, Math.max(0, (event.clientX - left) / width)))
  }
  return (
    <div className="chart" role="img" aria-label={label}>
      <div className="chart-ticks" aria-hidden="true">
        {[top, top / 2, 0].map(value => (
          <span key={value}>{shown(value, unit)}</span>
        ))}
      </div>
      <div className="chart-plot" onPointerMove={point} onPointerLeave={() => setPointed(null)}>
        <svg viewBox={`0 0 ${WINDOW_SECONDS} 100`} preserveAspectRatio="none" aria-hidden="true">
          <path className="chart-grid" d={`M0 0H${WINDOW_SECONDS}M0 50H${WINDOW_SECONDS}M0 100H${WINDOW_SECONDS}`} />
          {objective !== null && <path className="chart-objective" d={`M0 ${100 - (100 * objective) / top}H${WINDOW_SECONDS}`} />}
          <path className="chart-area" d={area} />
          <path className="chart-line" d={line} />
          {at && <path className="chart-cursor" d={`M${at.time - start} 0V100`} />}
        </svg>
        {at && (
          <span className="chart-reading fine">
            {clock(at.time, true)} · {shown(at.value, unit)}
          </span>
        )}
      </div>
      <div className="chart-times" aria-hidden="true">
        {ticks(start, end).map(time => (
          <span key={time} style={{ insetInlineStart: `${(100 * (time - start)) / WINDOW_SECONDS}%` }}>
            {clock(time)}
          </span>
        ))}
      </div>
    </div>
  )
}

/** Full five minutes, as far as their words have room. */
function ticks(start: number, end: number): number[] {
  const first = Math.ceil((start + 20) / TICK_SECONDS) * TICK_SECONDS
  return [0, 1, 2].map(step => first + step * TICK_SECONDS).filter(time => time < end - 20)
}
