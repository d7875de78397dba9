import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Connection, NothingAnswers, TIMING, type Timing } from '../src/lib/connection'
import { configOf, PRIMARY, Region, SECONDARY, stateDocument } from './region'

const QUICK: Timing = {
  ...TIMING,
  stateTimeoutMs: 1_000, // a busy machine is slow, not silent
  pollMs: 20,
  streamSilenceMs: 5_000,
  reconnectFirstMs: 10,
  reconnectMostMs: 40,
  lookMs: 30,
  lookSoonMs: 20,
}

let primary: Region
let secondary: Region
let connection: Connection

beforeEach(async () => {
  primary = await new Region(PRIMARY).start()
  secondary = await new Region(SECONDARY).start()
  connection = connect()
})

afterEach(async () => {
  connection.pauseFollowing()
  await primary.stop()
  await secondary.stop()
})

function connect(timing: Partial<Timing> = {}, streams = true): Connection {
  return new Connection(configOf(primary, secondary, streams), fetch, { ...QUICK, ...timing })
}

const view = () => connection.view.get()
const tellBoth = (...document: Parameters<typeof stateDocument>) => {
  primary.tell(stateDocument(...document))
  secondary.tell(stateDocument(...document))
}

describe('opening', () => {
  it('asks the primary, and leaves the secondary in peace', async () => {
    await connection.open()
    expect(view().bound).toBe(PRIMARY)
    expect(secondary.paths).toEqual([])
  })

  it('binds to the secondary in failover', async () => {
    tellBoth('failover', 2)
    await connection.open()
    expect(view().bound).toBe(SECONDARY)
  })

  it.each([
    ['refuses the connection', () => primary.stop()],
    ['hangs', () => void (primary.silent = true)],
    ['answers nonsense', () => void (primary.document = { state: 'ACTIVE', epoch: 1, writer: null })],
    ['answers with a page of a proxy', () => void (primary.document = '<html>')],
  ])('goes on to the secondary when the primary %s', async (_, breakIt) => {
    await breakIt()
    await connection.open()
    expect(view().bound).toBe(SECONDARY)
    expect(view().reach[PRIMARY]).toBe('down')
  })

  it('fails when neither answers, and succeeds when asked again later', async () => {
    await primary.stop()
    await secondary.stop()
    await expect(connection.open()).rejects.toThrow(NothingAnswers)
    await primary.start()
    await connection.open()
    expect(view().bound).toBe(PRIMARY)
  })
})

describe('following', () => {
  it('hears of a change on the stream', async () => {
    await connection.open()
    connection.follow()
    await vi.waitFor(() => expect(primary.streams).toBe(1))
    primary.tell(stateDocument('fenced', 2))
    await vi.waitFor(() => expect(view().document?.state).toBe('fenced'))
  })

  it('polls where there is no stream', async () => {
    connection = connect({}, false)
    await connection.open()
    connection.follow()
    primary.document = stateDocument('fenced', 2)
    await vi.waitFor(() => expect(view().document?.state).toBe('fenced'))
    expect(primary.paths).not.toContain('GET /state/app/events')
  })

  it('hears of a failover from the other region when its own still tells the old state', async () => {
    await connection.open()
    connection.follow()
    secondary.tell(stateDocument('failover', 2))
    await vi.waitFor(() => expect(view().document?.state).toBe('failover'))
    expect(view().bound).toBe(PRIMARY) // whether to move is decided elsewhere
    primary.tell(stateDocument('active', 1))
    await connection.check()
    expect(view().document?.state).toBe('failover')
  })

  it('goes to the other region when its own is lost, and offers the way back when it returns', async () => {
    await connection.open()
    connection.follow()
    await vi.waitFor(() => expect(primary.streams).toBe(1))
    await primary.stop()
    await vi.waitFor(() => expect(view().bound).toBe(SECONDARY))
    await vi.waitFor(() => expect(secondary.streams).toBe(1))
    await primary.start()
    await vi.waitFor(() => expect(view().reach[PRIMARY]).toBe('up'))
    expect(view().bound).toBe(SECONDARY)
    expect(await connection.moveTo(PRIMARY)).toBe(true)
    await vi.waitFor(() => expect(primary.streams).toBe(1))
    await vi.waitFor(() => expect(secondary.streams).toBe(0))
  })

  it('notices a region that has gone quiet without closing anything', async () => {
    connection = connect({ streamSilenceMs: 100 })
    await connection.open()
    connection.follow()
    await vi.waitFor(() => expect(primary.streams).toBe(1))
    primary.silent = true
    await vi.waitFor(() => expect(view().bound).toBe(SECONDARY), { timeout: 3_000 })
  })

  it('carries on by itself after both were lost', async () => {
    await connection.open()
    connection.follow()
    await Promise.all([primary.stop(), secondary.stop()])
    await vi.waitFor(() => expect(Object.values(view().reach)).toEqual(['down', 'down']))
    await primary.start()
    primary.document = stateDocument('fenced', 2)
    await vi.waitFor(() => expect(view().document?.epoch).toBe(2))
  })

  it('holds no stream while the page is hidden, and reads the state at once when it is seen again', async () => {
    await connection.open()
    connection.follow()
    await vi.waitFor(() => expect(primary.streams).toBe(1))
    connection.pauseFollowing()
    await vi.waitFor(() => expect(primary.streams).toBe(0))
    primary.document = stateDocument('fenced', 2)
    primary.paths.length = 0
    connection.follow()
    await vi.waitFor(() => expect(view().document?.state).toBe('fenced'))
    expect(primary.paths[0]).toBe('GET /state/app')
  })

  it('does not move to a region that does not answer', async () => {
    await connection.open()
    await secondary.stop()
    expect(await connection.moveTo(SECONDARY)).toBe(false)
    expect(view().bound).toBe(PRIMARY)
  })

  it('looks at the other region at once when its own does not answer', async () => {
    await connection.open()
    await primary.stop()
    await connection.check()
    expect(view().bound).toBe(SECONDARY)
  })

  it('shares one check among all who ask for it', async () => {
    await connection.open()
    primary.paths.length = 0
    await Promise.all([connection.check(), connection.check(), connection.check()])
    expect(primary.paths).toEqual(['GET /state/app'])
  })
})
