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
  const [leaving, setLeaving] = useState(false)
  const leave = async () => {
    setLeaving(true)
    await ops.session.signOut()
  }
  return (
    <header className="top">
      <a href="#/" className="brand" aria-label={`${ops.config.name}, photographs`}>
        <Mark />
        <span>{ops.config.name}</span>
      </a>
      <nav className="ops-nav" aria-label="Main">
        <a href="#/">Photographs</a>
        <a href="#/ops" aria-current="page">
          Operations
        </a>
      </nav>
      <div className="top-end">
        {routing && <StateSign state={routing.state} />}
        <span className="ops-who fine muted">{who?.name}</span>
        <button className="button icon" onClick={() => void leave()} disabled={leaving} aria-label="Sign out" title="Sign out">
          <SignOutIcon />
        </button>
      </div>
    </header>
  )
}

export function Head() {
  const ops = useOps()
  const routing = useRouting()
  const reports = { primary: useHeard(ops.reports.primary), secondary: useHeard(ops.reports.secondary) }
  const { value } = useHeard(ops.status)
  if (!routing) return <h1 className="display ops-title">Operations</h1>
  const { reading, writing, holds } = standing({ state: routing, labels: ops.labels, reports })
  const change = value?.lastChange
  const known = change && change.epoch === routing.epoch ? change : null
  return (
    <div className="ops-head">
      <div>
        <h1 className="display ops-title">Operations</h1>
        <p className={holds ? 'ops-lead' : 'ops-lead sign-bad'}>
          {reading}; <b>{writing}.</b>
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
