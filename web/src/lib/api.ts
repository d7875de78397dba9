/** The region's HTTP API as the app uses it. Knows one region; says nothing of states beyond passing refusals on. */
import type { Fetch } from './config'
import { problemOf, Refused, SignedOut, Unreachable } from './errors'
import type { Comment, CommentPage, NewComment, NewPhoto, Photo, PhotoPage, Ticket } from './schema'

export interface ApiPorts {
  /** The ID token; null when nobody is signed in. `renew` asks for a new one. */
  token(renew: boolean): Promise<string | null>
  /** The epoch under which writes are made. */
  epoch(): number | null
  onUnreachable(): void
  onSignedOut(): void
}

interface Call {
  method: 'GET' | 'POST' | 'DELETE'
  path: string
  body?: unknown
  signal?: AbortSignal
}

const CALL_TIMEOUT_MS = 10_000
/** The first page is short, to be there soon; the most that a region gives is read from then on. */
const PAGE_SIZE = { first: 50, next: 100 }

export class Api {
  constructor(
    private readonly baseUrl: string,
    private readonly ports: ApiPorts,
    private readonly request: Fetch = (...call) => fetch(...call),
    private readonly timeoutMs = CALL_TIMEOUT_MS,
  ) {}

  photos(after: string | null, signal?: AbortSignal): Promise<PhotoPage> {
    return this.json({ method: 'GET', path: `/photos${page(after)}`, signal })
  }

  comments(photoId: string, after: string | null, signal?: AbortSignal): Promise<CommentPage> {
    return this.json({ method: 'GET', path: `/comments/${encodeURIComponent(photoId)}${page(after)}`, signal })
  }

  addComment(photoId: string, comment: NewComment): Promise<Comment> {
    return this.json({ method: 'POST', path: `/comments/${encodeURIComponent(photoId)}`, body: comment })
  }

  /** A ticket to upload with; or the photograph itself, if an earlier attempt had got through after all. */
  startPhoto(photo: NewPhoto, signal?: AbortSignal): Promise<Ticket | Photo> {
    return this.json({ method: 'POST', path: '/photos', body: photo, signal })
  }

  commitPhoto(photoId: string, signal?: AbortSignal): Promise<Photo> {
    return this.json({ method: 'POST', path: `/photos/${encodeURIComponent(photoId)}/commit`, signal })
  }

  async deletePhoto(photoId: string): Promise<void> {
    await this.send({ method: 'DELETE', path: `/photos/${encodeURIComponent(photoId)}` })
  }

  private async json<T>(call: Call): Promise<T> {
    const answer = await this.send(call)
    return (await answer.json()) as T
  }

  /** A token can be refused although it looks good here, so a 401 is answered once with a renewed one. */
  private async send(call: Call): Promise<Response> {
    const answer = await this.attempt(call, false)
    const final = answer.status === 401 ? await this.attempt(call, true) : answer
    if (final.ok) return final
    if (final.status === 401) throw this.signedOut()
    throw new Refused(await problemOf(final))
  }

  private async attempt(call: Call, renew: boolean): Promise<Response> {
    const token = await this.reach(() => this.ports.token(renew), call.signal)
    if (token === null) throw this.signedOut()
    const deadline = AbortSignal.timeout(this.timeoutMs)
    const signal = call.signal ? AbortSignal.any([call.signal, deadline]) : deadline
    const { method, body } = call
    const init = {
      method,
      headers: this.headers(call, token),
      body: body === undefined ? null : JSON.stringify(body),
      signal,
    }
    return this.reach(() => this.request(this.baseUrl + call.path, init), call.signal)
  }

  private headers(call: Call, token: string): Headers {
    const headers = new Headers({ Authorization: `Bearer ${token}` })
    if (call.body !== undefined) headers.set('Content-Type', 'application/json')
    const epoch = this.ports.epoch()
    if (call.method !== 'GET' && epoch !== null) headers.set('Multiregion-Epoch', String(epoch))
    return headers
  }

  /** Whatever stops an answer from coming means "not reachable", except that the caller gave up. */
  private async reach<T>(call: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    try {
      return await call()
    } catch (error) {
      if (signal?.aborted) throw error
      this.ports.onUnreachable()
      throw new Unreachable('The region did not answer.', { cause: error })
    }
  }

  private signedOut(): SignedOut {
    this.ports.onSignedOut()
    return new SignedOut('The session has ended.')
  }
}

const page = (after: string | null) =>
  `?${new URLSearchParams(after ? { limit: String(PAGE_SIZE.next), after } : { limit: String(PAGE_SIZE.first) })}`
