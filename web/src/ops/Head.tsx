/** Where the application stands, in one sentence, and whether what is shown is fresh. */
import { useState } from 'react'
import { useStore } from '../context'
import { ago } from '../lib/format'
import { Mark, SignOutIcon } from '../ui/icons'
import { useHeard, useNow, useOps, useRouting } from './context'
import { isStale, standing } from './health'
import { Shape } from './Signs'
import { StateSign } from './StateSign'

export function OpsHeader() {
  const ops = useOps()
  const who = useStore(ops.session.who)
  const routing = useRouting()
  const trouble = useStanding()?.trouble ?? null
  const [home, pages] = ops.config.own ? ['../', 'Application'] : ['#/', 'Photographs']
  const [leaving, setLeaving] = useState(false)
  const leave = async () => {
    setLeaving(true)
    await ops.session.signOut()
  }
  return (
    <header className="top">
      <a href={home} className="brand" aria-label={`${ops.config.name}, ${pages.toLowerCase()}`}>
        <Mark />
        <span>{ops.config.name}</span>
      </a>
      <nav className="ops-nav" aria-label="Main">
        <a href={home}>{pages}</a>
        <a href="#/ops" aria-current="page">
          Operations
        </a>
      </nav>
      <div className="top-end">
        {routing && <StateSign state={routing.state} trouble={trouble} />}
        <span className="ops-who fine muted">{who?.name}</span>
        <button className="button icon" onClick={() => void leave()} disabled={leaving} aria-label="Sign out" title="Sign out">
          <SignOutIcon />
        </button>
      </div>
    </header>
  )
}

function useStanding() {
  const { labels, reports } = useOps()
  const state = useRouting()
  const heard = { primary: useHeard(reports.primary), secondary: useHeard(reports.secondary) }
  return state && standing({ state, labels, reports: heard })
}

export function Head() {
  const ops = useOps()
  const routing = useRouting()
  const now = useStanding()
  const { value } = useHeard(ops.status)
  if (!routing || !now) return <h1 className="display ops-title">Operations</h1>
  const change = value?.lastChange
  const known = change && change.epoch === routing.epoch ? change : null
  return (
    <div className="ops-head">
      <div>
        <h1 className="display ops-title">Operations</h1>
        <p className={now.trouble === null ? 'ops-lead' : 'ops-lead sign-bad'}>
          {now.reading}; <b>{now.writing}.</b>
        </p>
        <p className="fine muted">
          Epoch {routing.epoch}
          {known && ` · ${ago(known.at)}, by ${known.actor}${known.reason && ` · ${known.reason}`}`}
        </p>
      </div>
      <Freshness />
    </div>
  )
}

function Freshness() {
  const ops = useOps()
  const heard = useHeard(ops.status)
  const now = useNow()
  const stale = isStale(heard, now)
  const age = heard.at === null ? '' : `, last heard ${Math.max(1, Math.round((now - heard.at) / 1000))} s ago`
  return (
    <p className={`fine freshness sign-${stale ? 'bad' : 'good'}`}>
      <Shape tone={stale ? 'bad' : 'good'} />
      {stale ? `Authority silent${age}` : 'Live'}
    </p>
  )
}
