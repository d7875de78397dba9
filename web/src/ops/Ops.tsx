/** The operations console: its own page, which needs no region to answer before it can be used. */
import '../styles/topology.css'
import '../styles/lag.css'
import '../styles/ops.css'
import '../styles/ops-cards.css'
import { useEffect, useState, type ReactNode } from 'react'
import { useStore } from '../context'
import { loadConfig, type UiConfig } from '../lib/config'
import { Starting } from '../Starting'
import { OpsConsole } from './console'
import { OpsContext, useOps } from './context'
import { Automatic } from './Automatic'
import { Concerns } from './Concerns'
import { Faults } from './Faults'
import { Head, OpsHeader } from './Head'
import { History } from './History'
import { Lags } from './Lags'
import { Losses } from './Losses'
import { Moves } from './Moves'
import { OpsSignIn } from './OpsSignIn'
import { Runs } from './Runs'
import { Topology } from './Topology'
import { Users } from './Users'

interface Props {
  /** Somebody signed in or out here, which the gallery should know of. */
  onSession?(): void
}

export default function Ops({ onSession }: Props) {
  const { ops, failure } = useConsole()
  if (failure) return <Message title="The console did not load">{failure} Is the edge up? Loading the page again helps once it is.</Message>
  if (!ops) return <Starting />
  if (typeof ops === 'string')
    return (
      <Message title="No console here">
        This deployment has none. {ops && <a href={ops}>Open its dashboard</a>}
      </Message>
    )
  return (
    <OpsContext value={ops}>
      <Gate onSession={onSession} />
    </OpsContext>
  )
}

/** The console; or, where there is none, the address of a dashboard. */
function useConsole(): { ops: OpsConsole | string | null; failure: string } {
  const [ops, setOps] = useState<OpsConsole | string | null>(null)
  const [failure, setFailure] = useState('')
  useEffect(() => {
    loadConfig()
      .then(config => setOps(consoleOf(config)))
      .catch(error => setFailure(`${error instanceof Error ? error.message : String(error)}.`))
  }, [])
  return { ops, failure }
}

function consoleOf(config: UiConfig): OpsConsole | string {
  if (!config.operations) return config.dashboardUrl ?? ''
  const ops = new OpsConsole(config, config.operations)
  void ops.session.resume()
  return ops
}

function Gate({ onSession }: Props) {
  const ops = useOps()
  const who = useStore(ops.session.who)
  const name = who?.name
  useEffect(() => {
    document.title = `Operations · ${ops.config.name}`
    onSession?.()
    return () => {
      document.title = ops.config.name
    }
  }, [name]) // eslint-disable-line react-hooks/exhaustive-deps
  if (who === undefined) return <Starting />
  if (who === null) return <OpsSignIn />
  if (!who.allowed)
    return (
      <Message title="Operators only">
        {who.name} is not in the group operators. <a href="#/">Go to the photographs</a>, or{' '}
        <button className="linklike" onClick={() => void ops.session.signOut()}>
          sign in as somebody else
        </button>
        .
      </Message>
    )
  return <Page />
}

function Page() {
  const ops = useOps()
  useEffect(() => ops.follow(), [ops])
  return (
    <div className="ops">
      <a className="skip" href="#main" onClick={skip}>
        Skip to content
      </a>
      <OpsHeader />
      <main id="main" className="page" tabIndex={-1}>
        <Head />
        <Concerns />
        <div className="ops-deck">
          <Topology />
          <div className="ops-columns">
            <div className="ops-column">
              <Moves />
              <Automatic />
            </div>
            <div className="ops-column">
              <Runs />
              <History />
            </div>
          </div>
          <Lags />
          <Losses />
          <Users />
          {ops.operations.faults && <Faults />}
        </div>
      </main>
    </div>
  )
}

function skip(event: React.MouseEvent) {
  event.preventDefault()
  document.getElementById('main')?.focus()
}

const Message = ({ title, children }: { title: string; children: ReactNode }) => (
  <main className="centre">
    <h1 className="display">{title}</h1>
    <p className="muted">{children}</p>
  </main>
)
