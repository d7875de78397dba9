import { describe, expect, it } from 'vitest'
import { appended, NOTHING, photosOf, reread, segmentOf, without, type Listing } from '../src/lib/listing'
import { Shelf } from './shelf'

const SIZE = 4

/** Everything there is, read to the end. */
function readAll(shelf: Shelf): Listing {
  let listing = appended(NOTHING, shelf.page(null))
  while (listing.next !== null) listing = appended(listing, shelf.page(listing.next))
  return listing
}

const again = (listing: Listing, at: number, shelf: Shelf) =>
  reread(listing, at, shelf.page(listing.segments[at]!.after))

/** As the gallery does it: the newest first, then wherever something may be missing. */
function refreshed(listing: Listing, shelf: Shelf): Listing {
  let next = again(listing, 0, shelf)
  for (let at; (at = next.segments.findIndex(segment => segment.gap)) !== -1;) next = again(next, at, shelf)
  return next
}

const shown = (listing: Listing) => photosOf(listing).map(photo => photo.photoId)

describe('a list of photographs', () => {
  it('is put together page by page', () => {
    const shelf = new Shelf(SIZE, 10)
    expect(shown(readAll(shelf))).toEqual(shelf.ids())
  })

  it.each([1, 3, 4, 5, 11, 30])('shows %i new ones after a look at the newest, whatever was read before', count => {
    const shelf = new Shelf(SIZE, 10)
    const listing = readAll(shelf)
    shelf.add(count)
    expect(shown(refreshed(listing, shelf))).toEqual(shelf.ids())
  })

  it('reads on where it left off after new ones came', () => {
    const shelf = new Shelf(SIZE, 10)
    let listing = appended(NOTHING, shelf.page(null))
    shelf.add(6)
    listing = refreshed(listing, shelf)
    while (listing.next !== null) listing = appended(listing, shelf.page(listing.next))
    expect(shown(listing)).toEqual(shelf.ids())
  })

  it('drops what was deleted from a part that is read again, and shows nothing twice', () => {
    const shelf = new Shelf(SIZE, 12)
    const listing = readAll(shelf)
    shelf.remove(1)
    shelf.remove(2)
    const next = again(listing, 0, shelf)
    expect(shown(next)).toEqual(shelf.ids())
    expect(new Set(shown(next)).size).toBe(10)
  })

  it('drops what was deleted at the end', () => {
    const shelf = new Shelf(SIZE, 9)
    const listing = readAll(shelf)
    shelf.remove(8)
    expect(shown(again(listing, 2, shelf))).toEqual(shelf.ids())
  })

  it('is empty when everything was deleted', () => {
    const shelf = new Shelf(SIZE, 9)
    const listing = readAll(shelf)
    for (let i = 0; i < 9; i++) shelf.remove(0)
    expect(shown(again(listing, 0, shelf))).toEqual([])
  })

  it('ends in the same list, whatever happens in between', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const chance = numbers(seed)
      const shelf = new Shelf(SIZE, chance(20))
      let listing = appended(NOTHING, shelf.page(null))
      for (let step = 0; step < 12; step++) {
        if (chance(3) === 0) shelf.add(chance(7))
        if (chance(3) === 0 && shelf.ids().length > 0) shelf.remove(chance(shelf.ids().length))
        if (listing.next !== null && chance(2) === 0) listing = appended(listing, shelf.page(listing.next))
        else listing = refreshed(listing, shelf)
      }
      while (listing.next !== null) listing = appended(listing, shelf.page(listing.next))
      for (let at = 0; at < listing.segments.length; at++) listing = again(listing, at, shelf)
      expect(shown(refreshed(listing, shelf)), `seed ${seed}`).toEqual(shelf.ids())
    }
  })

  it('knows where a photograph is, and can be told that it is gone', () => {
    const shelf = new Shelf(SIZE, 10)
    const listing = readAll(shelf)
    const id = shelf.ids()[5]!
    expect(segmentOf(listing, id)).toBe(1)
    expect(segmentOf(without(listing, id), id)).toBe(-1)
  })
})

/** The same numbers for the same seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}
