// @vitest-environment jsdom
import { beforeEach, describe, expect, it } from 'vitest'
import { Deletions, hiddenBy, UNDO_MS } from '../src/lib/deletions'
import { Refused, Unreachable } from '../src/lib/errors'
import { stateDocument } from './region'

const PLACE = 'lightbox/deletion/app/first-user/'
const refusal = (status: number, code: string) =>
  new Refused({ type: '', title: '', detail: 'Because.', status, code, state: stateDocument('fenced', 2) })

let sent: string[]
let failure: Error | null
let writable: boolean
let told: unknown[]
let done: string[]
let timers: Map<number, () => void>
let deletions: Deletions

function open(): Deletions {
  timers = new Map()
  let next = 0
  const made = new Deletions({
    send: async photoId => {
      sent.push(photoId)
      await Promise.resolve()
      if (failure) throw failure
    },
    isWritable: () => writable,
    onDone: photoId => done.push(photoId),
    onFence: state => told.push(state),
    storage: localStorage,
    after: (ms, call) => {
      expect(ms).toBe(UNDO_MS)
      const id = next++
      timers.set(id, call)
      return () => timers.delete(id)
    },
  })
  made.open(PLACE)
  return made
}

beforeEach(() => {
  localStorage.clear()
  sent = []
  done = []
  told = []
  failure = null
  writable = true
  deletions = open()
})

async function timePasses() {
  const due = [...timers.values()]
  timers.clear()
  for (const call of due) call()
  await new Promise(resolve => setTimeout(resolve))
}

const phases = () => deletions.all.get().map(({ phase }) => phase)

describe('a deletion', () => {
  it('waits, and is then sent', async () => {
    deletions.ask('p', 'A bee')
    expect(phases()).toEqual(['waiting'])
    expect([...hiddenBy(deletions.all.get())]).toEqual(['p'])
    expect(sent).toEqual([])
    await timePasses()
    expect([sent, done, phases()]).toEqual([['p'], ['p'], []])
    expect(localStorage).toHaveLength(0)
  })

  it('that is taken back is never sent', async () => {
    deletions.ask('p', 'A bee')
    deletions.undo('p')
    await timePasses()
    expect([sent, phases()]).toEqual([[], []])
    expect(localStorage).toHaveLength(0)
  })

  it('cannot be taken back while it is being sent', async () => {
    deletions.ask('p', 'A bee')
    for (const call of timers.values()) call()
    deletions.undo('p')
    expect(phases()).toEqual(['sending'])
    await timePasses()
    expect(done).toEqual(['p'])
  })

  it('that the fence refuses is kept, shown again, and offered again', async () => {
    failure = refusal(409, 'fenced')
    deletions.ask('p', 'A bee')
    await timePasses()
    expect(phases()).toEqual(['held'])
    expect(told).toEqual([stateDocument('fenced', 2)])
    expect(hiddenBy(deletions.all.get()).size).toBe(0)
    failure = null
    deletions.again('p')
    await timePasses()
    expect(done).toEqual(['p'])
  })

  it('is not even sent while writing is paused', async () => {
    writable = false
    deletions.ask('p', 'A bee')
    await timePasses()
    expect([sent, phases()]).toEqual([[], ['held']])
  })

  it('of a photograph that is gone already is done', async () => {
    failure = refusal(404, 'unknown_photo')
    deletions.ask('p', 'A bee')
    await timePasses()
    expect(done).toEqual(['p'])
  })

  it('without an answer is kept, and says that it may have happened', async () => {
    failure = new Unreachable('no')
    deletions.ask('p', 'A bee')
    await timePasses()
    expect(deletions.all.get()).toMatchObject([{ phase: 'held', note: expect.stringContaining('may not') }])
  })

  it('waits for as long as somebody is about to take it back', async () => {
    deletions.ask('p', 'A bee')
    deletions.hold()
    await timePasses()
    expect(sent).toEqual([])
    deletions.release()
    await timePasses()
    expect(sent).toEqual(['p'])
  })

  it('is taken up by the next page, with the whole time to take it back, by the same user alone', async () => {
    deletions.ask('p', 'A bee')
    deletions = open()
    expect(deletions.all.get()).toEqual([{ photoId: 'p', title: 'A bee', phase: 'waiting', note: '' }])
    deletions.open('lightbox/deletion/app/second-user/')
    expect(phases()).toEqual([])
    await timePasses()
    expect(sent).toEqual([])
    deletions.open(PLACE)
    await timePasses()
    expect(sent).toEqual(['p'])
  })

  it('that another page did or took back is dropped', async () => {
    deletions.ask('p', 'A bee')
    deletions.ask('q', 'A cat')
    deletions.storageChanged(`${PLACE}p`, null)
    deletions.storageChanged('something else', null)
    deletions.storageChanged(`${PLACE}q`, 'A cat') // asked for there, too
    await timePasses()
    expect(sent).toEqual(['q'])
  })

  it('is sent before its user signs out', async () => {
    deletions.ask('p', 'A bee')
    await deletions.sendAll()
    expect(done).toEqual(['p'])
  })

  it('is one of a bounded number: the oldest is sent when there are too many', () => {
    for (let i = 0; i < 51; i++) deletions.ask(`p${i}`, '')
    expect(sent).toEqual(['p0'])
  })
})
