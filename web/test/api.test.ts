import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Api } from '../src/lib/api'
import { isFence, Refused, SignedOut, Unreachable } from '../src/lib/errors'
import { PRIMARY, Region, stateDocument } from './region'

let region: Region
const ports = {
  token: vi.fn(async (_renew: boolean): Promise<string | null> => 'token'),
  epoch: () => 5,
  onUnreachable: vi.fn(),
  onSignedOut: vi.fn(),
}

beforeEach(async () => {
  vi.clearAllMocks()
  region = await new Region(PRIMARY).start()
})
afterEach(() => region.stop())

const api = (timeoutMs = 1_000) => new Api(region.url, ports, fetch, timeoutMs)

describe('the API of a region', () => {
  it('sends the epoch with writes', async () => {
    await api().addComment('p', { message: 'hello', commentId: 'c' })
    expect(region.epochs).toEqual(['5'])
  })

  it('turns a fenced write into a refusal with the state', async () => {
    region.fence = stateDocument('fenced', 6)
    const failure = await api()
      .addComment('p', { message: 'hello', commentId: 'c' })
      .catch((error: unknown) => error)
    expect(isFence(failure)).toBe(true)
    expect((failure as Refused).state).toEqual(region.fence)
    expect(region.comments).toEqual([])
  })

  it('repeats a write whose answer was lost without doing it twice', async () => {
    region.loseAnswers = 1
    const comment = { message: 'hello', commentId: 'c' }
    await expect(api().addComment('p', comment)).rejects.toThrow(Unreachable)
    expect(ports.onUnreachable).toHaveBeenCalledOnce()
    await api().addComment('p', comment)
    expect(region.comments).toHaveLength(1)
  })

  it('gives up on a region that does not answer', async () => {
    region.silent = true
    await expect(api(50).photos(null)).rejects.toThrow(Unreachable)
  })

  it('does not blame the region when the caller gives up', async () => {
    region.silent = true
    const stop = new AbortController()
    const call = api().photos(null, stop.signal)
    stop.abort()
    await expect(call).rejects.toThrow('abort')
    expect(ports.onUnreachable).not.toHaveBeenCalled()
  })

  it('asks for a new token once when one is refused, and then says that the session has ended', async () => {
    const refusing = new Api(region.url, ports, async () => new Response('{}', { status: 401 }))
    await expect(refusing.photos(null)).rejects.toThrow(SignedOut)
    expect(ports.token.mock.calls).toEqual([[false], [true]])
    expect(ports.onSignedOut).toHaveBeenCalledOnce()
  })

  it('has words even for an answer that is not a problem document', async () => {
    const proxy = new Api(region.url, ports, async () => new Response('<h1>Bad gateway</h1>', { status: 502 }))
    await expect(proxy.photos(null)).rejects.toThrow('HTTP 502')
  })
})
