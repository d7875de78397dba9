import { afterEach, describe, expect, it, vi } from 'vitest'
import { Refused, Unreachable } from '../src/lib/errors'
import { Feed, type Heard } from '../src/ops/feed'
import { concerns, heardLink, isStale, linkHealth, regionHealth, STALE_MS, standing } from '../src/ops/health'
import { onTheWay } from '../src/ops/History'
import { cost, ordered, wording } from '../src/ops/moves'
import { temporaryPassword } from '../src/ops/password'
import { GAP_SECONDS, highest, merge, nearest, pathsOf, pointsOf, scaleOf, shown, WINDOW_SECONDS } from '../src/ops/series'
import type { Faults, Losses, Move, Report, Sample, Status } from '../src/ops/types'
import { arc, LAND, pointOf } from '../src/ops/worldmap'

const heard = <T>(value: T | null, failed: string | null = null, at: number | null = 1_000): Heard<T> => ({ value, at, failed })

const report = (change: Partial<Report> = {}): Report => ({
  ready: true,
  reasons: [],
  region: 'us-east-1',
  role: 'primary',
  state: 'active',
  epoch: 1,
  writes: true,
  sequence: 3,
  content: 'x',
  lag: { seconds: 0, changes: 0, bytes: 0 },
  needs: null,
  writing: null,
  logEpoch: 1,
  chain: 'c',
  history: 'h',
  missing: null,
  uploadsInFlight: {},
  counts: { photos: 1, users: 1 },
  objects: null,
  replicating: true,
  losses: 0,
  durability: 'async',
  degradedSince: null,
  leaseSeconds: null,
  ...change,
})

describe('the sentence at the top', () => {
  const labels = { primary: 'N. Virginia', secondary: 'Tokyo' }
  const regions = { primary: 'us-east-1', secondary: 'ap-northeast-1' }
  const states = {
    active: { state: 'active', epoch: 1, writer: 'us-east-1', regions },
    fenced: { state: 'fenced', epoch: 1, writer: null, regions },
    failover: { state: 'failover', epoch: 1, writer: 'ap-northeast-1', regions },
  } as const
  const up = (change: Partial<Report> = {}) => heard(report(change))
  const down = heard<Report>(report(), 'does not answer')
  const said = (state: keyof typeof states, primary: Heard<Report>, secondary: Heard<Report>) => {
    const { reading, writing, trouble } = standing({ state: states[state], labels, reports: { primary, secondary } })
    return [`${reading}; ${writing}`.replaceAll('\u00a0', ' '), trouble?.replaceAll('\u00a0', ' ') ?? null]
  }

  it('says what was decided while it is so', () => {
    expect(said('active', up(), up())).toEqual(['Served from N. Virginia; writing goes to N. Virginia', null])
    expect(said('fenced', up(), down)).toEqual(['Served from N. Virginia; nobody can write', null])
    expect(said('failover', down, up())).toEqual(['Served from Tokyo; writing goes to Tokyo', null])
  })

  it('never sends anybody to a region that does not answer', () => {
    const copy = 'N. Virginia does not answer, so readers see the copy in Tokyo'
    expect(said('active', down, up())).toEqual([`${copy}; nobody can write until N. Virginia is back`, 'N. Virginia down'])
    expect(said('fenced', down, up())).toEqual([`${copy}; nobody can write`, 'N. Virginia down'])
    expect(said('active', down, down)).toEqual(['Neither region answers; nobody can read or write', 'both regions down'])
  })

  it('says that the writer has stopped, once it has heard of the state', () => {
    expect(said('active', up({ writes: false }), up())).toEqual(['Served from N. Virginia; N. Virginia takes no writes now', 'no writing'])
    expect(said('active', up({ writes: false, epoch: 0 }), up())[1]).toBeNull()
  })
})

describe('the points of a chart', () => {
  const kept: Sample[] = [
    [100, 0, 0, 0],
    [102, 1, 5, 50],
    [104, null, null, null],
    [106, 2, 6, 60],
  ]

  it('show what is unknown as a gap, never as nothing behind', () => {
    expect(pointsOf(kept, 'changes').values).toEqual([0, 5, null, 6])
  })

  it('have a gap where nothing was heard for a while', () => {
    const { times, values } = pointsOf([[100, 1, 1, 1], [100 + GAP_SECONDS + 1, 1, 1, 1]], 'seconds') // prettier-ignore
    expect(times).toEqual([100, 101, 108])
    expect(values).toEqual([1, null, 1])
  })

  it('take what this page heard before a region began anew, and after what it kept', () => {
    const before: Sample = [50, 9, 9, 9]
    const after: Sample = [110, 3, 3, 3]
    const inside: Sample = [103, 7, 7, 7]
    expect(merge(kept, [before, inside, after], 111).map(([at]) => at)).toEqual([50, 100, 102, 104, 106, 110])
    expect(merge([], [before, after], 111)).toHaveLength(2)
    expect(merge(kept, [after], 106 + WINDOW_SECONDS).map(([at]) => at)).toEqual([110])
  })

  it('become a line that is broken at the gaps', () => {
    const { line, area } = pathsOf(pointsOf(kept, 'seconds'), 100, 2)
    expect(line).toBe('M0 100L2 50M6 0')
    expect(area).toBe('M0 100L2 50L2 100L0 100ZM6 0L6 100L6 100Z')
  })

  it('are read at the nearest moment, and not far from any', () => {
    const points = pointsOf(kept, 'seconds')
    expect(nearest(points, 104.2)).toEqual({ time: 104, value: null })
    expect(nearest(points, 130)).toBeNull()
    expect(nearest({ times: [], values: [] }, 1)).toBeNull()
  })

  it('fit under a round number, the objective too', () => {
    expect(scaleOf(pointsOf(kept, 'bytes'), null, 'bytes')).toBe(1_000)
    expect(scaleOf(pointsOf(kept, 'seconds'), 5, 'seconds')).toBe(6)
    expect(highest(pointsOf([[1, null, null, null]], 'seconds'))).toBeNull()
  })

  it('are told in words', () => {
    expect([shown(null, 'seconds'), shown(undefined, 'bytes'), shown(0, 'seconds'), shown(12.34, 'seconds'), shown(1.26, 'seconds')]).toEqual(
      ['unknown', 'unknown', '0 s', '12 s', '1.3 s'],
    )
    expect([shown(1_234, 'changes'), shown(999, 'bytes'), shown(1_500, 'bytes'), shown(2_500_000, 'bytes')]).toEqual(
      ['1,234', '999 B', '1.5 kB', '2.5 MB'],
    )
  })
})

describe('health', () => {
  it('of a region is what it says of itself, or that it says nothing', () => {
    expect(regionHealth(heard(report())).word).toBe('Reads and writes')
    expect(regionHealth(heard(report({ writes: false }))).word).toBe('Reads')
    expect(regionHealth(heard(report({ ready: false, reasons: ['starts'] })))).toEqual({ tone: 'warn', word: 'Not ready', why: 'starts' })
    expect(regionHealth(heard(report(), 'does not answer')).word).toBe('Down')
    expect(regionHealth(heard<Report>(null, null, null)).tone).toBe('unknown')
  })

  const lines = (cut: boolean, back: boolean, delay = 0): Faults => ({
    parts: {},
    links: {
      primary: { there: { cut, delayMilliseconds: delay }, back: { cut: back, delayMilliseconds: delay } },
      secondary: { there: { cut: back, delayMilliseconds: 0 }, back: { cut, delayMilliseconds: 0 } },
    },
  })

  it('of the link tells one way from both', () => {
    expect(linkHealth(heard(lines(false, false))).word).toBe('Up')
    expect(linkHealth(heard(lines(true, false))).word).toBe('Cut one way')
    expect(linkHealth(heard(lines(true, true))).word).toBe('Cut')
    expect(linkHealth(heard(lines(false, false, 75))).word).toBe('Slowed by 75 ms')
    expect(linkHealth(heard<Faults>({ parts: {}, links: null })).word).toBe('Down')
  })

  it('of the link is told by the regions where the wire cannot be asked', () => {
    expect(heardLink([heard(report()), heard(report())]).tone).toBe('good')
    expect(heardLink([heard(report({ replicating: false }))]).tone).toBe('bad')
    expect(heardLink([heard<Report>(null, 'does not answer')]).tone).toBe('unknown')
  })

  it('of what was not heard lately is old', () => {
    expect(isStale(heard(1), 1_000 + STALE_MS)).toBe(false)
    expect(isStale(heard(1), 1_001 + STALE_MS)).toBe(true)
    expect(isStale(heard(1, 'does not answer'), 1_000)).toBe(true)
  })
})

describe('what needs somebody', () => {
  const calm = {
    labels: { primary: 'Here', secondary: 'There' },
    reports: { primary: heard(report()), secondary: heard(report({ role: 'secondary' })) },
    authority: heard({ authority: { writing: null } } as Status),
    automatic: heard({ mode: 'automatic' as const, paused: false, unacknowledged: false, takeover: null, waitsBecause: null, movesNow: null }),
    losses: heard<Losses>({ losses: [], notAnswering: [] }),
    link: { tone: 'good' as const, word: 'Up', why: '' },
    objectiveSeconds: 5,
    local: true,
  }
  const ids = (change: Partial<typeof calm>) => concerns({ ...calm, ...change } as Parameters<typeof concerns>[0]).map(({ id }) => id)

  it('is nothing while all is well', () => expect(ids({})).toEqual([]))

  it('names each thing that is wrong, what is down first', () => {
    const lost = { id: '1.1', outcome: 'pending' } as Losses['losses'][number]
    expect(
      ids({
        reports: {
          primary: heard<Report>(null, 'does not answer'),
          secondary: heard(report({ lag: { seconds: 6, changes: null, bytes: null }, degradedSince: '2026-01-31T12:00:00.000Z' })),
        },
        authority: heard<Status>(null, 'does not answer'),
        losses: heard<Losses>({ losses: [lost], notAnswering: [] }),
        automatic: heard({ mode: 'automatic' as const, paused: false, unacknowledged: true, takeover: null, waitsBecause: null, movesNow: null }),
      }),
    ).toEqual(['down-primary', 'authority', 'degraded-secondary', 'lag-secondary', 'losses', 'automatic'])
  })

  it('names an authority that cannot write', () => {
    const writing = { problem: 'the disk is full', since: '2026-01-31T12:00:00.000Z' }
    expect(ids({ authority: heard({ authority: { writing } } as Status) })).toEqual(['authority-disk'])
  })

  it('does not take an unknown lag for one over the objective, nor for none', () => {
    const unknown = heard(report({ lag: { seconds: null, changes: null, bytes: null } }))
    expect(ids({ reports: { primary: unknown, secondary: unknown } })).toEqual([])
  })
})

describe('moves', () => {
  const regions = { primary: 'us-east-1', secondary: 'ap-northeast-1' }
  const labels = { primary: 'Here', secondary: 'There' }
  const move = (change: Partial<Move>): Move => ({
    name: 'failover',
    kind: 'planned',
    path: '/operator/failover',
    order: {},
    becomes: { state: 'failover', epoch: 2, writer: null, regions },
    does: [],
    refused: null,
    needsWord: null,
    prediction: null,
    predictedLoss: null,
    lastDrill: null,
    ...change,
  })
  const takeover = move({ kind: 'takeover', prediction: '3 changes', becomes: { state: 'failover', epoch: 2, writer: 'ap-northeast-1', regions } })

  it('are called by where they lead, and a takeover is confirmed with the region that is given up', () => {
    expect(wording(move({}), labels)).toEqual({ title: 'Fail over to There, read-only', verb: 'Fail over', word: 'failover' })
    expect(wording(takeover, labels)).toEqual({ title: 'Take over in There', verb: 'Take over', word: 'us-east-1' })
    const back = move({ kind: 'takeover', becomes: { state: 'active', epoch: 2, writer: 'us-east-1', regions } })
    expect(wording(back, labels).word).toBe('ap-northeast-1')
    for (const kind of ['planned', 'at once', 'takeover'] as const) {
      const { title, verb } = wording(move({ kind }), labels)
      expect(title.startsWith(verb)).toBe(true)
    }
  })

  it('offer a takeover first only where a region is lost, and what is refused nowhere', () => {
    const refused = move({ refused: 'no' })
    expect(ordered([move({}), takeover, refused], false)).toEqual({ usual: [move({})], other: [takeover] })
    expect(ordered([move({}), takeover, refused], true)).toEqual({ usual: [takeover], other: [move({})] })
    expect(ordered([move({}), refused], true)).toEqual({ usual: [move({})], other: [] })
  })

  it('say what they cost', () => {
    expect(cost(move({}))).toBe('Loses nothing.')
    expect(cost(takeover)).toBe('May lose 3 changes.')
    expect(cost({ ...takeover, becomes: { ...takeover.becomes, writer: null } })).toContain('Not seen until')
  })
})

describe('the history', () => {
  it('tells a step on the way from what somebody wanted', () => {
    expect(onTheWay({ towards: { state: 'failover', writable: true } })).toBe('On the way to failover, writable.')
    expect(onTheWay({ towards: { state: 'active', writable: false } })).toBe('On the way to active.')
  })
})

describe('a feed', () => {
  afterEach(() => vi.useRealTimers())

  it('keeps what it heard last when nobody answers any more, and says so', async () => {
    const answers: (() => Promise<number>)[] = [async () => 7, () => Promise.reject(new Unreachable('x'))]
    const feed = new Feed(() => (answers.shift() ?? (() => Promise.reject(new Error('late'))))(), 5)
    feed.start()
    await vi.waitFor(() => expect(feed.heard.get().failed).toBe('does not answer'))
    expect(feed.heard.get().value).toBe(7)
    feed.stop()
  })

  it('tells a refusal in its own words', async () => {
    const refusal = new Refused({ type: '', title: '', status: 403, code: 'forbidden', detail: 'not for you' })
    const feed = new Feed(() => Promise.reject(refusal), 5)
    feed.start()
    await vi.waitFor(() => expect(feed.heard.get().failed).toBe('not for you'))
    feed.stop()
  })

  it('asks nothing while it is stopped, one thing at a time, and at once when it is wanted', async () => {
    vi.useFakeTimers()
    let calls = 0
    let answer = () => {}
    const feed = new Feed(() => new Promise<void>(resolve => { calls += 1; answer = resolve }), 1_000) // prettier-ignore
    feed.refresh()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(calls).toBe(0)
    feed.start()
    feed.refresh()
    feed.refresh()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(calls).toBe(1)
    answer()
    await vi.advanceTimersByTimeAsync(0)
    expect(calls).toBe(2)
    answer()
    await vi.advanceTimersByTimeAsync(999)
    expect(calls).toBe(2)
    await vi.advanceTimersByTimeAsync(1)
    expect(calls).toBe(3)
    feed.stop()
    answer()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(calls).toBe(3)
  })
})

describe('the map', () => {
  it('has land, and a place for regions that nobody knows', () => {
    expect(LAND.match(/h0/g)!.length).toBeGreaterThan(1_300)
    expect(pointOf('mars-1', 'primary')).not.toEqual(pointOf('mars-1', 'secondary'))
    expect(pointOf('us-east-1', 'secondary')[0]).toBeCloseTo(300, 0)
    expect(arc([1, 2], [3, 4])).toMatch(/^M1 2C/)
  })
})

describe('a temporary password', () => {
  it('is long, and another one each time', () => {
    const made = new Set(Array.from({ length: 50 }, temporaryPassword))
    expect(made.size).toBe(50)
    for (const password of made) expect(password).toMatch(/^[2-9A-HJ-NP-Za-km-z]{4}(-[2-9A-HJ-NP-Za-km-z]{4}){3}$/)
  })
})
