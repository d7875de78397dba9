import { beforeEach, describe, expect, it } from 'vitest'
import { PhotoList } from '../src/lib/photoList'
import { Shelf } from './shelf'

const SIZE = 10
const MINUTE = 60_000

let shelf: Shelf
let region: string
let nowMs: number
let reads: (string | null)[]
let failure: Error | null
/** Readings that do not end until the signal says so. */
let hangs: boolean
let list: PhotoList

beforeEach(() => {
  shelf = new Shelf(SIZE, 35)
  region = 'a'
  nowMs = 0
  reads = []
  failure = null
  hangs = false
  list = new PhotoList({ read, region: () => region, now: () => nowMs })
})

async function read(after: string | null, signal: AbortSignal) {
  reads.push(after)
  if (hangs) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  if (failure) throw failure
  await Promise.resolve()
  return shelf.page(after)
}

const ids = () => list.shown.get().photos.map(photo => photo.photoId)
const settled = () => new Promise(resolve => setTimeout(resolve, 5))

async function readAll() {
  while (!list.shown.get().complete) await list.more()
}

describe('the list of photographs', () => {
  it('reads to the end, each page once, however often it is asked', async () => {
    await Promise.all([list.more(), list.more(), list.refresh()])
    expect(reads).toHaveLength(1)
    await readAll()
    expect(ids()).toEqual(shelf.ids())
    await list.more()
    expect(reads).toHaveLength(4)
  })

  it('reads only the newest page when it looks for new ones, and keeps every photograph as it is', async () => {
    await readAll()
    const before = list.shown.get().photos
    reads = []
    shelf.add(2)
    await list.refresh()
    expect(reads).toEqual([null])
    expect(ids()).toEqual(shelf.ids())
    expect(list.shown.get().photos.slice(2)).toEqual(before)
    expect(list.shown.get().photos[2]).toBe(before[0])
  })

  it('says why nothing came, and goes on when asked', async () => {
    failure = new Error('no')
    await list.more()
    expect(list.shown.get()).toMatchObject({ loaded: false, reading: false, failure })
    failure = null
    await list.refresh()
    expect(list.shown.get()).toMatchObject({ loaded: true, failure: null })
  })

  it('keeps what it shows when a look for new ones fails', async () => {
    await readAll()
    failure = new Error('no')
    await list.refresh()
    expect(ids()).toEqual(shelf.ids())
    expect(list.shown.get().failure).toBeNull()
  })

  it('gives what is on the screen new addresses before they run out, and reads nothing else', async () => {
    await readAll()
    reads = []
    nowMs = 30 * MINUTE
    list.look(12, 18)
    await settled()
    expect(reads).toEqual([])
    nowMs = 50 * MINUTE
    const before = list.shown.get().photos
    list.look(12, 18)
    await settled()
    expect(reads).toHaveLength(1)
    expect(list.shown.get().photos[12]!.url).not.toBe(before[12]!.url)
    expect(list.shown.get().photos[2]).toBe(before[2])
  })

  it('gives new addresses to all that is on the screen, page after page', async () => {
    await readAll()
    reads = []
    nowMs = 50 * MINUTE
    list.look(8, 22)
    await settled()
    expect(reads).toHaveLength(3)
  })

  it('does not ask again and again when new addresses cannot be had', async () => {
    await readAll()
    failure = new Error('no')
    reads = []
    nowMs = 50 * MINUTE
    for (let i = 0; i < 10; i++) list.look(0, 5)
    await settled()
    for (let i = 0; i < 10; i++) list.look(0, 5)
    await settled()
    expect(reads).toHaveLength(1)
  })

  it('keeps its place when the region changes, and reads what is on the screen from the new one', async () => {
    await readAll()
    list.look(20, 25)
    const before = list.shown.get().photos
    reads = []
    region = 'b'
    list.moved()
    await settled()
    expect(ids()).toEqual(shelf.ids())
    expect(list.shown.get().photos[20]!.url).not.toBe(before[20]!.url)
    expect(reads).toHaveLength(2)
  })

  it('gives up what it is reading from a region that is left', async () => {
    hangs = true
    void list.more()
    await settled()
    hangs = false
    region = 'b'
    list.moved()
    await settled()
    expect(list.shown.get()).toMatchObject({ loaded: true, reading: false, failure: null })
  })

  it('is blank after it was cleared, whatever was under way', async () => {
    void list.more()
    list.clear()
    await settled()
    expect(list.shown.get()).toMatchObject({ photos: [], loaded: false })
  })
})
