import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Api } from '../src/lib/api'
import { Refused, Unreachable } from '../src/lib/errors'
import type { Prepared } from '../src/lib/image'
import type { NewPhoto, Photo, Problem, Ticket } from '../src/lib/schema'
import { Uploads, type Phase } from '../src/lib/uploads'
import { stateDocument } from './region'

const blob = (size: number) => new Blob([new Uint8Array(size)])
const PREPARED: Prepared = {
  blob: blob(900),
  sha256: 'a'.repeat(64),
  width: 3,
  height: 2,
  colour: '#010203',
  thumbnail: { blob: blob(100), sha256: 'b'.repeat(64) },
}

const problem = (code: string, status: number, extra: Partial<Problem> = {}): Problem => ({
  type: 'about:blank',
  title: code,
  status,
  code,
  detail: `Because of ${code}.`,
  ...extra,
})

/** A region in memory: knows tickets and photographs, and can be told to fail. */
class Gallery {
  started: NewPhoto[] = []
  committed = new Set<string>()
  failures: Error[] = []
  loseCommits = 0

  startPhoto = async (photo: NewPhoto): Promise<Ticket | Photo> => {
    this.started.push(photo)
    const failure = this.failures.shift()
    if (failure) throw failure
    const photoId = photo.photoId!
    if (this.committed.has(photoId)) return { photoId } as Photo
    return { photoId, upload: { url: 'full', fields: {} }, thumbnailUpload: { url: 'small', fields: {} } }
  }

  commitPhoto = async (photoId: string): Promise<Photo> => {
    this.committed.add(photoId)
    if (this.loseCommits-- > 0) throw new Unreachable('lost')
    return { photoId } as Photo
  }
}

let gallery: Gallery
let uploads: Uploads
let posting: { url: string; finish: () => void; signal: AbortSignal }[]
const onFence = vi.fn()

beforeEach(() => {
  gallery = new Gallery()
  posting = []
  onFence.mockReset()
  uploads = new Uploads({
    api: () => gallery as unknown as Api,
    prepare: async file => {
      if (file.name.endsWith('.txt')) throw new Error('This file cannot be read as a photograph.')
      return PREPARED
    },
    post: ({ url }, { size }, onProgress, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new DOMException('Cancelled', 'AbortError')))
        const finish = () => {
          onProgress(size)
          resolve()
        }
        posting.push({ url, finish, signal })
      }),
    preview: { create: () => 'blob:preview', revoke: () => {} },
    onFence,
    onUnreachable: () => {},
    onDone: () => {},
  })
})

const phases = (): Phase[] => uploads.items.get().map(item => item.phase)
const files = (...names: string[]) => names.map(name => new File(['x'], name))
const reach = (...wanted: Phase[]) => vi.waitFor(() => expect(phases()).toEqual(wanted))

async function choose(...names: string[]) {
  uploads.add(files(...names))
  await vi.waitFor(() => expect(phases()).not.toContain('preparing'))
}

/** Lets uploads through as they come until the phases are the wanted ones. */
const pass = (...wanted: Phase[]) =>
  vi.waitFor(() => {
    for (const { finish } of posting) finish()
    expect(phases()).toEqual(wanted)
  })

describe('uploads', () => {
  it('go from file to gallery, with the thumbnail and what is known about the picture', async () => {
    await choose('a.jpg')
    const { photoId } = uploads.items.get()[0]!
    uploads.caption(photoId, ' Salt ')
    uploads.share()
    await pass('done')
    expect(gallery.started[0]).toEqual({
      photoId,
      contentType: 'image/jpeg',
      size: 900,
      sha256: PREPARED.sha256,
      width: 3,
      height: 2,
      colour: '#010203',
      caption: 'Salt',
      thumbnail: { contentType: 'image/jpeg', size: 100, sha256: PREPARED.thumbnail.sha256 },
    })
    expect(posting.map(({ url }) => url)).toEqual(['small', 'full'])
  })

  it('are two at a time', async () => {
    await choose('a.jpg', 'b.jpg', 'c.jpg')
    uploads.share()
    await vi.waitFor(() => expect(posting).toHaveLength(2))
    expect(phases()).toEqual(['sending', 'sending', 'waiting'])
    await pass('done', 'done', 'done')
  })

  it('report progress over both files', async () => {
    await choose('a.jpg')
    uploads.share()
    await vi.waitFor(() => expect(posting).toHaveLength(1))
    posting[0]!.finish()
    await vi.waitFor(() => expect(uploads.items.get()[0]!.progress).toBeCloseTo(0.1))
  })

  it('say which files are no photographs, and go on with the others', async () => {
    await choose('a.txt', 'b.jpg')
    expect(phases()).toEqual(['unusable', 'ready'])
    expect(uploads.items.get()[0]!.note).toContain('cannot be read')
  })

  it('refused by the fence wait to be shared again, caption and all, and pass the state on', async () => {
    await choose('a.jpg', 'b.jpg', 'c.jpg')
    uploads.caption(uploads.items.get()[0]!.photoId, 'Kept')
    const state = stateDocument('fenced', 9)
    gallery.failures = [1, 2, 3].map(() => new Refused(problem('fenced', 409, { state })))
    uploads.share()
    await reach('ready', 'ready', 'ready')
    expect(onFence).toHaveBeenCalledWith(state)
    expect(uploads.items.get()[0]).toMatchObject({ caption: 'Kept', note: expect.stringContaining('paused') })
    gallery.failures = []
    uploads.share()
    await pass('done', 'done', 'done')
  })

  it('use the same id again after a lost answer, and are not added twice', async () => {
    await choose('a.jpg')
    gallery.loseCommits = 1
    uploads.share()
    await pass('failed')
    uploads.retry(uploads.items.get()[0]!.photoId)
    await reach('done')
    expect(new Set(gallery.started.map(photo => photo.photoId)).size).toBe(1)
    expect(gallery.committed.size).toBe(1)
    expect(posting).toHaveLength(2) // nothing was sent a second time
  })

  it('say in words why one was refused', async () => {
    await choose('a.jpg')
    gallery.failures = [new Refused(problem('too_large', 413))]
    uploads.share()
    await reach('failed')
    expect(uploads.items.get()[0]!.note).toBe('Because of too_large.')
  })

  it('stop when they are taken off the list, and make room for the next', async () => {
    await choose('a.jpg', 'b.jpg', 'c.jpg')
    uploads.share()
    await vi.waitFor(() => expect(posting).toHaveLength(2))
    uploads.remove(uploads.items.get()[0]!.photoId)
    expect(posting[0]!.signal.aborted).toBe(true)
    await reach('sending', 'sending')
    await pass('done', 'done')
    expect(gallery.committed.size).toBe(2)
  })

  it('are bounded in number', () => {
    expect(uploads.add(files(...Array.from({ length: 230 }, (_, i) => `${i}.jpg`)))).toBe(30)
  })
})
