import { describe, expect, it } from 'vitest'
import { kindOf, noticeOf } from '../src/lib/notice'
import type { StateDocument } from '../src/lib/schema'
import { blankView, heard, isWritable, silent, told, type Reach, type View } from '../src/lib/view'
import { configOf, PRIMARY, SECONDARY, stateDocument } from './region'

const config = configOf({ url: 'http://primary' }, { url: 'http://secondary' })

function viewOf(document: StateDocument, bound: string, down: string[] = []): View {
  const reach = (region: string): Reach => (down.includes(region) ? 'down' : 'up')
  return { document, bound, reach: { [PRIMARY]: reach(PRIMARY), [SECONDARY]: reach(SECONDARY) } }
}

describe('state × region that the page is bound to', () => {
  const cases = [
    ['active', PRIMARY, null, true, undefined],
    ['fenced', PRIMARY, 'fenced', false, undefined],
    ['failover', SECONDARY, 'failover', false, undefined],
    ['failover', PRIMARY, 'moved', false, 'Move to Tokyo'],
    ['active', SECONDARY, 'returned', false, 'Return to N. Virginia'],
    ['fenced', SECONDARY, 'returned-fenced', false, 'Return to N. Virginia'],
  ] as const

  it.each(cases)('%s, bound to %s: %s', (state, bound, kind, writable, move) => {
    const view = viewOf(stateDocument(state, 3), bound)
    expect(kindOf(config, view)).toBe(kind)
    expect(isWritable(view)).toBe(writable)
    expect(noticeOf(config, view)?.move?.label).toBe(move)
  })

  it('gives each case words of its own', () => {
    const notices = cases.map(([state, bound]) => noticeOf(config, viewOf(stateDocument(state, 3), bound))?.text)
    expect(new Set(notices).size).toBe(cases.length)
  })
})

describe('what else can be the case', () => {
  it.each(['active', 'fenced'] as const)(
    '%s with the primary away: the copy of the secondary, and writing waits',
    state => {
      const view = viewOf(stateDocument(state, 3), SECONDARY, [PRIMARY])
      expect(kindOf(config, view)).toBe('away')
      expect(noticeOf(config, view)?.text).toContain('Writing waits until N. Virginia is back')
      expect(isWritable(view)).toBe(false)
    },
  )

  it('says so when neither region answers, and writes nothing', () => {
    const view = viewOf(stateDocument('active', 3), PRIMARY, [PRIMARY, SECONDARY])
    expect(kindOf(config, view)).toBe('offline')
    expect(isWritable(view)).toBe(false)
  })

  it('takes writes in the secondary when that is the writer', () => {
    const view = viewOf(stateDocument('failover', 3, SECONDARY), SECONDARY)
    expect(kindOf(config, view)).toBe('failover-writable')
    expect(isWritable(view)).toBe(true)
  })

  it('reads like the fence when nobody is the writer while active', () => {
    expect(kindOf(config, viewOf(stateDocument('active', 3, null), PRIMARY))).toBe('fenced')
  })
})

describe('where a page is bound', () => {
  it.each([
    ['active', PRIMARY],
    ['fenced', PRIMARY],
    ['failover', SECONDARY],
  ] as const)('%s: to %s', (state, home) => {
    const document = stateDocument(state, 1)
    const view = heard(config, heard(config, blankView(config), PRIMARY, document), SECONDARY, document)
    expect(view.bound).toBe(home)
  })

  it('to the other region when its own is away', () => {
    const view = heard(config, silent(config, blankView(config), PRIMARY), SECONDARY, stateDocument('active', 1))
    expect(view.bound).toBe(SECONDARY)
  })

  it('waits to hear whether the secondary is there before it binds in failover', () => {
    const view = heard(config, blankView(config), PRIMARY, stateDocument('failover', 1))
    expect(view.bound).toBeNull()
    expect(silent(config, view, SECONDARY).bound).toBe(PRIMARY)
  })

  it('leaves a region that is lost, and does not come back by itself', () => {
    const lost = silent(config, viewOf(stateDocument('active', 1), PRIMARY), PRIMARY)
    expect(lost.bound).toBe(SECONDARY)
    expect(heard(config, lost, PRIMARY, stateDocument('active', 1)).bound).toBe(SECONDARY)
  })

  it('stays where it is when both are lost', () => {
    const view = silent(config, viewOf(stateDocument('active', 1), PRIMARY, [SECONDARY]), PRIMARY)
    expect(view.bound).toBe(PRIMARY)
  })
})

describe('epochs', () => {
  it('does not believe an older document, but believes that the region is up', () => {
    const view = viewOf(stateDocument('failover', 7), SECONDARY, [PRIMARY])
    const after = heard(config, view, PRIMARY, stateDocument('active', 6))
    expect(after.document).toEqual(stateDocument('failover', 7))
    expect(after.reach[PRIMARY]).toBe('up')
  })

  it('takes a newer document from a refusal, and no older one', () => {
    const view = viewOf(stateDocument('active', 7), PRIMARY)
    expect(told(view, stateDocument('fenced', 8)).document?.state).toBe('fenced')
    expect(told(view, stateDocument('fenced', 6)).document?.state).toBe('active')
  })
})

describe('epochs of different histories', () => {
  const old = { ...stateDocument('active', 40), history: 'a' }
  const next = { ...stateDocument('fenced', 12), history: 'b', succeeds: ['a'] }

  it('are not compared: the history that goes on from the other one is believed', () => {
    const view = viewOf(old, PRIMARY)
    expect(told(view, next).document).toBe(next)
    expect(told(told(view, next), old).document).toBe(next)
  })

  it('count within one, and where a region tells none', () => {
    const view = viewOf(next, PRIMARY)
    expect(told(view, { ...next, epoch: 11 }).document).toBe(next)
    expect(told(view, stateDocument('active', 11)).document).toBe(next)
    expect(told(view, stateDocument('active', 13)).document?.epoch).toBe(13)
  })
})
