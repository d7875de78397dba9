/** Calls of the operators' APIs: each with a time-out, and with the token of whoever is signed in. */
import { problemOf, Refused, SignedOut, Unreachable } from '../lib/errors'
import { readText } from '../lib/sse'

export interface Tokens {
  /** Null when nobody is signed in. `renew` asks for a new one. */
  token(renew: boolean): Promise<string | null>
  onSignedOut(): void
}

interface Call {
  body?: unknown
  headers?: Record<string, string>
  timeoutMs?: number
}

const CALL_MS = 6_000
/** A switch waits for the other region for a minute at most, and tells each step before that. */
const SILENCE_MS = 90_000
const IDENTITY = 'AWSCognitoIdentityProviderService.'

export class OpsApi {
  constructor(private readonly tokens: Tokens) {}

  async get<T>(url: string, timeoutMs = CALL_MS): Promise<T> {
    return (await (await this.send('GET', url, { timeoutMs })).json()) as T
  }

  async post<T>(url: string, body: unknown, timeoutMs = CALL_MS): Promise<T> {
    return (await (await this.send('POST', url, { body, timeoutMs })).json()) as T
  }

  /** An operation of a region's user pool. */
  async identity<T>(url: string, operation: string, body: unknown): Promise<T> {
    const headers = { 'Content-Type': 'application/x-amz-json-1.1', 'X-Amz-Target': IDENTITY + operation }
    return (await (await this.send('POST', `${url}/`, { body, headers })).json()) as T
  }

  /** An order whose answer is lines of JSON, each told as it comes. Rejects with what the last line says, if that is an error. */
  async order(url: string, body: unknown, onLine: (line: Record<string, unknown>) => void): Promise<void> {
    const silence = new AbortController()
    const wait = () => setTimeout(() => silence.abort(), SILENCE_MS)
    let timer = wait()
    let rest = ''
    try {
      const answer = await this.send('POST', url, { body }, silence.signal)
      await readText(answer.body!, text => {
        clearTimeout(timer)
        timer = wait()
        const lines = (rest + text).split('\n')
        rest = lines.pop()!
        for (const line of lines) onLine(lineOf(line))
      })
    } catch (error) {
      throw error instanceof Refused || error instanceof SignedOut ? error : unreachable(error)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Rejects for a token that a part refuses. Parts that do not answer say nothing against it: they may be why it is needed. */
  async probe(urls: readonly string[], token: string): Promise<void> {
    const headers = { Authorization: `Bearer ${token}` }
    for (const url of urls) {
      const answer = await fetch(url, { headers, signal: AbortSignal.timeout(CALL_MS), cache: 'no-store' }).catch(() => null)
      if (answer?.status === 401) throw new Error('This is not the operator token of this deployment.')
      if (answer) return
    }
  }

  private async send(method: string, url: string, call: Call, signal?: AbortSignal): Promise<Response> {
    const answer = await this.attempt(method, url, call, false, signal)
    const refusedToken = answer.status === 401 || (await isRefusedToken(answer))
    const final = refusedToken ? await this.attempt(method, url, call, true, signal) : answer
    if (final.ok) return final
    if (final.status === 401) throw this.signedOut()
    throw new Refused(await problem(final))
  }

  private async attempt(method: string, url: string, call: Call, renew: boolean, signal?: AbortSignal) {
    const token = await this.tokens.token(renew).catch(error => {
      throw unreachable(error)
    })
    if (token === null) throw this.signedOut()
    const json: Record<string, string> = call.body === undefined ? {} : { 'Content-Type': 'application/json' }
    const headers = { ...json, ...call.headers, Authorization: `Bearer ${token}` }
    const body = call.body === undefined ? null : JSON.stringify(call.body)
    const stop = signal ?? AbortSignal.timeout(call.timeoutMs ?? CALL_MS)
    return fetch(url, { method, headers, body, signal: stop, cache: 'no-store' }).catch(error => {
      throw unreachable(error)
    })
  }

  private signedOut(): SignedOut {
    this.tokens.onSignedOut()
    return new SignedOut('The session has ended.')
  }
}

function lineOf(text: string): Record<string, unknown> {
  const line = JSON.parse(text) as Record<string, unknown>
  if (line.error) throw new Refused(line.error as ConstructorParameters<typeof Refused>[0])
  return line
}

const unreachable = (cause: unknown) => new Unreachable('No answer.', { cause })

/** The user pool answers 400 where others answer 401. */
async function isRefusedToken(answer: Response): Promise<boolean> {
  if (answer.status !== 400) return false
  const body = (await answer.clone().json().catch(() => null)) as { __type?: string } | null
  return body?.__type === 'NotAuthorizedException'
}

/** The user pool has another shape for its problems. */
async function problem(answer: Response) {
  const body = (await answer.clone().json().catch(() => null)) as { __type?: string; message?: string } | null
  if (typeof body?.__type !== 'string') return problemOf(answer)
  return { type: 'about:blank', title: 'Refused', status: answer.status, code: body.__type, detail: body.message ?? '' }
}
