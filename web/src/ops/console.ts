/** The parts of the console that are not on the screen, joined: the session, and what is asked of whom, how often. */
import { regionConfig, type OperationsConfig, type UiConfig } from '../lib/config'
import { Refused } from '../lib/errors'
import { Store } from '../lib/store'
import { OpsApi } from './api'
import { Feed } from './feed'
import { merge, sampleOf } from './series'
import { OpsSession } from './session'
import type {
  Account, Automatic, Decision, Faults, Losses, Moves, Report, Role, Run, Sample, StateOf, Status,
} from './types' // prettier-ignore

export const ROLES: readonly Role[] = ['primary', 'secondary']

const REPORT_MS = 2_000
const LAG_MS = 15_000
const SAMPLES_HEARD_MAX = 600
const REPORT_TIMEOUT_MS = 2_500
const PAGES_MAX = 20
/** Starting a part can take half a minute. */
const START_TIMEOUT_MS = 40_000


export class OpsConsole {
  readonly session: OpsSession
  readonly api: OpsApi
  readonly labels: Record<Role, string>
  readonly names: Record<Role, string>
  readonly reports: Record<Role, Feed<Report>>
  readonly samples: Record<Role, Store<readonly Sample[]>>
  readonly status: Feed<Status>
  readonly moves: Feed<Moves>
  readonly runs: Feed<Run[]>
  readonly history: Feed<Decision[]>
  readonly automatic: Feed<Automatic>
  readonly losses: Feed<Losses>
  readonly faults: Feed<Faults>
  readonly edge: Feed<true>
  readonly #lags: Record<Role, Feed<readonly Sample[]>>
  readonly #heard: Record<Role, Sample[]> = { primary: [], secondary: [] }

  constructor(
    readonly config: UiConfig,
    readonly operations: OperationsConfig,
  ) {
    this.session = new OpsSession(config)
    this.api = new OpsApi({ token: renew => this.session.token(renew), onSignedOut: () => this.session.end() })
    this.names = { primary: config.primary, secondary: config.secondary }
    this.labels = each(role => regionConfig(config, this.names[role]).label)
    this.samples = each(() => new Store<readonly Sample[]>([]))
    this.reports = each(role => new Feed(() => this.report(role), REPORT_MS))
    this.#lags = each(role => new Feed(() => this.lag(role), LAG_MS))
    this.status = this.ask('status', 2_000)
    this.moves = this.ask('moves', 4_000)
    this.automatic = this.ask('automatic', 4_000)
    this.losses = this.ask('losses', 5_000)
    this.runs = new Feed(async () => (await this.get<{ runs: Run[] }>('progress')).runs, 1_000)
    this.history = new Feed(async () => (await this.get<{ history: Decision[] }>('history?limit=60')).history, 5_000)
    this.faults = new Feed(() => this.api.get<Faults>('./operator/faults'), 2_000)
    this.edge = new Feed(edgeAnswers, 5_000)
  }

  /** Follows everything while the page is visible, until the answer is called. */
  follow(): () => void {
    const feeds = this.feeds()
    const look = () => feeds.forEach(feed => (document.hidden ? feed.stop() : feed.start()))
    look()
    document.addEventListener('visibilitychange', look)
    return () => {
      document.removeEventListener('visibilitychange', look)
      feeds.forEach(feed => feed.stop())
    }
  }

  /** After something was done: what it may have changed is asked for at once. */
  refresh(): void {
    for (const feed of this.feeds()) feed.refresh()
  }

  url(role: Role): string {
    return regionConfig(this.config, this.names[role]).apiUrl
  }

  label(region: string): string {
    return region === this.names.primary ? this.labels.primary : this.labels.secondary
  }

  /** The state as the authority says it; while that is away, as the region of the highest epoch obeys it. */
  state(): StateOf | null {
    const { value, failed } = this.status.heard.get()
    const told = ROLES.map(role => this.reports[role].heard.get().value).filter(report => report !== null)
    const newest = told.sort((a, b) => b.epoch - a.epoch)[0]
    if (value && (failed === null || !newest || newest.epoch <= value.epoch)) return value
    if (!newest) return value
    const writer = told.find(report => report.epoch === newest.epoch && report.writes)?.region ?? null
    return { state: newest.state, epoch: newest.epoch, writer, regions: this.names }
  }

  order(path: string, body: object, onLine: (line: Record<string, unknown>) => void): Promise<void> {
    return this.api.order(this.operations.url + path, body, onLine).finally(() => this.refresh())
  }

  /** `epoch`: of the takeover that is acknowledged. */
  async say(word: string, epoch?: number): Promise<void> {
    await this.api.post(`${this.operations.url}/operator/automatic`, { word, ...(epoch === undefined ? {} : { epoch }) })
    this.refresh()
  }

  async fault(body: object): Promise<void> {
    await this.api.post('./operator/faults', body, START_TIMEOUT_MS).finally(() => this.refresh())
  }

  /** All users, from whichever region answers. */
  async users(): Promise<Account[]> {
    const found: Account[] = []
    const role = this.answering()
    let token: string | undefined
    for (let page = 0; page < PAGES_MAX; page++) {
      const body = { UserPoolId: this.pool(role), ...(token ? { PaginationToken: token } : {}) }
      const answer = await this.api.identity<UserPage>(this.url(role), 'ListUsers', body)
      found.push(...answer.Users.map(accountOf))
      token = answer.PaginationToken
      if (!token) break
    }
    return found
  }

  /** Something done to users, where users can be changed now. */
  async administer(operation: string, body: object): Promise<void> {
    const writer = ROLES.find(role => this.names[role] === this.state()?.writer)
    if (!writer) throw new Error('Users cannot be changed while nobody may write. Signing in goes on as before.')
    await this.api.identity(this.url(writer), operation, { UserPoolId: this.pool(writer), ...body })
  }

  private pool(role: Role): string {
    return regionConfig(this.config, this.names[role]).auth.userPoolId
  }

  private answering(): Role {
    return ROLES.find(role => this.reports[role].heard.get().failed === null) ?? 'primary'
  }

  private get<T>(path: string): Promise<T> {
    return this.api.get<T>(`${this.operations.url}/operator/${path}`)
  }

  private ask<T>(path: string, everyMs: number): Feed<T> {
    return new Feed(() => this.get<T>(path), everyMs)
  }

  private async report(role: Role): Promise<Report> {
    const report = await this.api.get<Report>(`${this.url(role)}/operator/report`, REPORT_TIMEOUT_MS)
    this.#heard[role] = [...this.#heard[role], sampleOf(report, Date.now())].slice(-SAMPLES_HEARD_MAX)
    this.draw(role)
    return report
  }

  private async lag(role: Role): Promise<readonly Sample[]> {
    const { samples } = await this.api.get<{ samples: Sample[] }>(`${this.url(role)}/operator/lag`)
    this.draw(role, samples)
    return samples
  }

  private draw(role: Role, kept = this.#lags[role].heard.get().value ?? []): void {
    this.samples[role].set(merge(kept, this.#heard[role], Date.now() / 1000))
  }

  private feeds(): Feed<unknown>[] {
    const { status, moves, runs, history, automatic, losses, edge, faults } = this
    const byRole = ROLES.flatMap(role => [this.reports[role], this.#lags[role]])
    return [...byRole, status, moves, runs, history, automatic, losses, edge, ...(this.operations.faults ? [faults] : [])]
  }
}

interface UserPage {
  Users: { Username: string; Attributes: { Name: string; Value: string }[]; UserStatus: string; Enabled: boolean; UserCreateDate: number }[]
  PaginationToken?: string
}

const accountOf = (user: UserPage['Users'][number]): Account => ({
  username: user.Username,
  email: user.Attributes.find(({ Name }) => Name === 'email')?.Value ?? '',
  status: user.UserStatus,
  enabled: user.Enabled,
  createdAt: user.UserCreateDate,
})

const each = <T>(make: (role: Role) => T): Record<Role, T> => ({ primary: make('primary'), secondary: make('secondary') })

async function edgeAnswers(): Promise<true> {
  const answer = await fetch('./healthz', { cache: 'no-store', signal: AbortSignal.timeout(REPORT_TIMEOUT_MS) })
  if (!answer.ok) throw new Refused({ type: '', title: '', status: answer.status, code: 'unknown', detail: `answers ${answer.status}` })
  return true
}
