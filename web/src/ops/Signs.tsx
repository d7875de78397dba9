/** Health as a word, a shape and a colour: each says it alone. */
import type { Health, Tone } from './health'

const SHAPES: Record<Tone, string> = {
  good: 'M6 1.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 0 1 0-9z', // a disc
  warn: 'M6 .8L11.4 10.6H.6z', // a triangle
  bad: 'M1.6 1.6h8.8v8.8H1.6z', // a square
  unknown: 'M6 2a4 4 0 1 1 0 8a4 4 0 0 1 0-8zm0 1.6a2.4 2.4 0 1 0 0 4.8a2.4 2.4 0 0 0 0-4.8z', // a ring
}

export const Shape = ({ tone, size = 11 }: { tone: Tone; size?: number }) => (
  <svg aria-hidden="true" width={size} height={size} viewBox="0 0 12 12" className={`shape sign-${tone}`}>
    <path d={SHAPES[tone]} fill="currentColor" fillRule="evenodd" />
  </svg>
)

export const Sign = ({ health }: { health: Health }) => (
  <span className={`sign sign-${health.tone}`}>
    <Shape tone={health.tone} />
    {health.word}
  </span>
)
