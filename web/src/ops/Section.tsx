/** A titled part of the page that can be jumped to. */
import type { ReactNode } from 'react'

interface Props {
  id: string
  title: string
  note?: string
  actions?: ReactNode
  className?: string
  children: ReactNode
}

export const Section = ({ id, title, note, actions, className = 'card', children }: Props) => (
  <section id={id} tabIndex={-1} aria-labelledby={`${id}-title`} className={className}>
    <div className="section-head">
      <h2 id={`${id}-title`}>{title}</h2>
      {note && <p className="fine muted">{note}</p>}
      {actions}
    </div>
    {children}
  </section>
)
