/** A small region for tests: a real HTTP server with a state, a stream of it, comments behind a fence, and photographs. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { UiConfig } from '../src/lib/config'
import type { Comment, StateDocument } from '../src/lib/schema'

export const PRIMARY = 'us-east-1'
export const SECONDARY = 'ap-northeast-1'

export function stateDocument(state: StateDocument['state'], epoch: number, writer?: string | null): StateDocument {
  const usual = state === 'active' ? PRIMARY : null
  const regions = { primary: PRIMARY, secondary: SECONDARY }
  return { appId: 'app', state, epoch, writer: writer === undefined ? usual : writer, regions }
}

export class Region {
  document: unknown = stateDocument('active', 1)
  /** The state that the fence goes by, if it is not the document. */
  fence: StateDocument | null = null
  readonly comments: Comment[] = []
  readonly epochs: (string | undefined)[] = []
  readonly paths: string[] = []
  /** What to do with the next answers to writes: lose them after the write has been made. */
  loseAnswers = 0
  silent = false
  /** Paths that begin like this get no answer, while all others do. */
  holds: string | null = null
  readonly #server: Server
  readonly #streams = new Set<ServerResponse>()
  #port = 0

  constructor(readonly name: string) {
    this.#server = createServer((request, answer) => void this.serve(request, answer))
  }

  async start(): Promise<this> {
    await new Promise<void>(resolve => this.#server.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (this.#server.address() as AddressInfo).port
    return this
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise(resolve => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  get streams(): number {
    return this.#streams.size
  }

  /** Changes the state, and tells everybody who listens. */
  tell(document: StateDocument): void {
    this.document = document
    for (const stream of this.#streams) this.sendState(stream)
  }

  private async serve(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?')[0]!
    this.paths.push(`${request.method} ${path}`)
    if (this.silent || (this.holds !== null && path.startsWith(this.holds))) return
    if (path === '/state/app') return json(answer, 200, this.document)
    if (path === '/state/app/events') return this.openStream(answer)
    if (path === '/photos') return json(answer, 200, { photos: [], next: null })
    if (path.startsWith('/comments/') && request.method === 'GET')
      return json(answer, 200, { comments: this.comments, next: null })
    if (path.startsWith('/comments/')) return this.addComment(path, request, answer)
    json(answer, 404, { type: '', title: 'Not found', status: 404, code: 'not_found', detail: 'Not found' })
  }

  private openStream(answer: ServerResponse): void {
    answer.writeHead(200, { 'Content-Type': 'text/event-stream' })
    this.#streams.add(answer)
    answer.on('close', () => this.#streams.delete(answer))
    this.sendState(answer)
  }

  private sendState(stream: ServerResponse): void {
    stream.write(`event: state\ndata: ${JSON.stringify(this.document)}\n\n`)
  }

  private async addComment(path: string, request: IncomingMessage, answer: ServerResponse): Promise<void> {
    this.epochs.push(request.headers['multiregion-epoch'] as string | undefined)
    const { message, commentId } = JSON.parse(await textOf(request)) as { message: string; commentId: string }
    const state = this.fence ?? (this.document as StateDocument)
    if (state.writer !== this.name) return json(answer, 409, fenced(state))
    const known = this.comments.find(comment => comment.commentId === commentId)
    const comment = known ?? {
      commentId,
      photoId: path.split('/')[2]!,
      user: 'first-user',
      message,
      createdAt: '2026-01-31T12:00:00.000Z',
    }
    if (!known) this.comments.push(comment)
    if (this.loseAnswers-- > 0) return void answer.destroy()
    json(answer, 201, comment)
  }
}

const fenced = (state: StateDocument) => ({
  type: 'about:blank',
  title: 'Fenced',
  status: 409,
  code: 'fenced',
  detail: 'This region does not accept writes.',
  state,
})

function json(answer: ServerResponse, status: number, body: unknown): void {
  answer.writeHead(status, { 'Content-Type': 'application/json' })
  answer.end(JSON.stringify(body))
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

export function configOf(primary: { url: string }, secondary: { url: string }, streams = true): UiConfig {
  const region = (label: string, name: string, { url }: { url: string }) => ({
    label,
    apiUrl: url,
    stateUrl: `${url}/state/app`,
    ...(streams ? { eventsUrl: `${url}/state/app/events` } : {}),
    auth: { userPoolId: `${name}_pool`, userPoolClientId: 'client' },
  })
  return {
    appId: 'app',
    name: 'Lightbox',
    primary: PRIMARY,
    secondary: SECONDARY,
    regions: { [PRIMARY]: region('N. Virginia', PRIMARY, primary), [SECONDARY]: region('Tokyo', SECONDARY, secondary) },
    limits: {
      photoBytes: 26_214_400,
      commentCharacters: 2_000,
      captionCharacters: 500,
      passwordCharactersMin: 12,
      passwordCharactersMax: 256,
    },
  }
}
