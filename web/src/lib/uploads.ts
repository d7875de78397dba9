/**
 * The photographs chosen in this page, from file to gallery. Outlives dialogs, states and regions, like drafts do.
 * An item keeps its photoId from the first attempt to the last, so that repeating a lost step adds nothing twice.
 */
import type { Api } from './api'
import { isFence, Unreachable } from './errors'
import { newId } from './ids'
import type { Prepared } from './image'
import type { PostForm } from './postForm'
import type { NewPhoto, Photo } from './schema'
import { Store } from './store'

export type Phase = 'preparing' | 'ready' | 'waiting' | 'sending' | 'done' | 'failed' | 'unusable'

export interface Item {
  readonly photoId: string
  readonly file: File
  readonly name: string
  readonly caption: string
  readonly phase: Phase
  /** 0 to 1, of the bytes. */
  readonly progress: number
  /** Why it failed, or why it waits. */
  readonly note: string
  readonly prepared: Prepared | null
  readonly preview: string | null
}

export interface UploadPorts {
  api(): Api
  prepare(file: File): Promise<Prepared>
  post: PostForm
  preview: { create(blob: Blob): string; revoke(url: string): void }
  onFence(state: unknown): void
  onUnreachable(): void
  onDone(photo: Photo): void
}

const AT_ONCE = 2
const ITEMS_MOST = 200

export class Uploads {
  readonly items = new Store<readonly Item[]>([])
  readonly #stops = new Map<string, AbortController>()

  constructor(private readonly ports: UploadPorts) {}

  /** Returns how many were left out because the list is full. */
  add(files: readonly File[]): number {
    const room = Math.max(0, ITEMS_MOST - this.items.get().length)
    const taken = files.slice(0, room)
    this.items.set([...this.items.get(), ...taken.map(blankItem)])
    this.pump()
    return files.length - taken.length
  }

  caption(photoId: string, caption: string): void {
    this.patch(photoId, { caption })
  }

  /** Sends everything that is ready, two at a time. */
  share(): void {
    for (const { photoId, phase } of this.items.get())
      if (phase === 'ready') this.patch(photoId, { phase: 'waiting', note: '' })
    this.pump()
  }

  retry(photoId: string): void {
    this.patch(photoId, { phase: 'waiting', note: '', progress: 0 })
    this.pump()
  }

  /** Takes one off the list, stopping it if it is on its way. */
  remove(photoId: string): void {
    this.#stops.get(photoId)?.abort()
    const item = this.find(photoId)
    if (item?.preview) this.ports.preview.revoke(item.preview)
    this.items.set(this.items.get().filter(other => other.photoId !== photoId))
  }

  clearDone(): void {
    for (const { photoId, phase } of this.items.get()) if (phase === 'done') this.remove(photoId)
  }

  clear(): void {
    for (const { photoId } of this.items.get()) this.remove(photoId)
  }

  private pump(): void {
    this.pumpPhase('preparing', item => this.make(item))
    this.pumpPhase('waiting', item => this.send(item))
  }

  /** Starts work on the items of one phase while fewer than two of them are being worked on. */
  private pumpPhase(phase: Phase, work: (item: Item) => Promise<void>): void {
    const busyAs = phase === 'waiting' ? 'sending' : phase
    const busy = this.items.get().filter(item => item.phase === busyAs && this.#stops.has(item.photoId)).length
    const next = this.items.get().filter(item => item.phase === phase && !this.#stops.has(item.photoId))
    for (const item of next.slice(0, Math.max(0, AT_ONCE - busy))) void this.run(item, work)
  }

  private async run(item: Item, work: (item: Item) => Promise<void>): Promise<void> {
    const stop = new AbortController()
    this.#stops.set(item.photoId, stop)
    try {
      await work(item)
    } finally {
      this.#stops.delete(item.photoId)
      this.pump()
    }
  }

  private async make({ photoId, file }: Item): Promise<void> {
    try {
      const prepared = await this.ports.prepare(file)
      if (!this.find(photoId)) return
      const preview = this.ports.preview.create(prepared.thumbnail.blob)
      this.patch(photoId, { prepared, preview, phase: 'ready' })
    } catch (error) {
      this.patch(photoId, { phase: 'unusable', note: (error as Error).message })
    }
  }

  private async send(item: Item): Promise<void> {
    const { photoId, prepared } = item
    if (!prepared) return
    this.patch(photoId, { phase: 'sending', progress: 0 })
    try {
      const photo = await this.transfer({ ...item, prepared })
      this.patch(photoId, { phase: 'done', progress: 1 })
      this.ports.onDone(photo)
    } catch (error) {
      this.failed(photoId, error)
    }
  }

  private async transfer(item: Item & { prepared: Prepared }): Promise<Photo> {
    const { photoId, prepared } = item
    const api = this.ports.api()
    const signal = this.#stops.get(photoId)!.signal
    const start = await api.startPhoto(described(item), signal)
    if (!('upload' in start)) return start
    const small = start.thumbnailUpload ? prepared.thumbnail.blob.size : 0
    const total = prepared.blob.size + small
    const report = (before: number) => (sent: number) => this.patch(photoId, { progress: (before + sent) / total })
    if (start.thumbnailUpload) await this.ports.post(start.thumbnailUpload, prepared.thumbnail.blob, report(0), signal)
    await this.ports.post(start.upload, prepared.blob, report(small), signal)
    return api.commitPhoto(photoId, signal)
  }

  /** Refused by the fence: nothing is wrong with the photograph, so it goes back to the ones that wait to be shared. */
  private failed(photoId: string, error: unknown): void {
    if (isFence(error)) {
      this.hold(photoId)
      this.ports.onFence(error.state)
      return
    }
    if (error instanceof Unreachable) this.ports.onUnreachable()
    this.patch(photoId, { phase: 'failed', progress: 0, note: failureNote(error) })
  }

  private hold(photoId: string): void {
    const note = 'Writing was paused before this one was through. It is kept here: share it again once writing resumes.'
    this.patch(photoId, { phase: 'ready', progress: 0, note })
    for (const item of this.items.get()) if (item.phase === 'waiting') this.patch(item.photoId, { phase: 'ready' })
  }

  private find(photoId: string): Item | undefined {
    return this.items.get().find(item => item.photoId === photoId)
  }

  private patch(photoId: string, change: Partial<Item>): void {
    if (!this.find(photoId)) return
    this.items.set(this.items.get().map(item => (item.photoId === photoId ? { ...item, ...change } : item)))
  }
}

const blankItem = (file: File): Item => ({
  photoId: newId(),
  file,
  name: file.name,
  caption: '',
  phase: 'preparing',
  progress: 0,
  note: '',
  prepared: null,
  preview: null,
})

function described({ photoId, caption, prepared }: Item & { prepared: Prepared }): NewPhoto {
  const { blob, sha256, width, height, colour, thumbnail } = prepared
  return {
    photoId,
    contentType: 'image/jpeg',
    size: blob.size,
    sha256,
    width,
    height,
    colour,
    thumbnail: { contentType: 'image/jpeg', size: thumbnail.blob.size, sha256: thumbnail.sha256 },
    ...(caption.trim() ? { caption: caption.trim() } : {}),
  }
}

const failureNote = (error: unknown): string =>
  error instanceof Unreachable
    ? 'The connection was lost. Trying again will not add it twice.'
    : error instanceof Error
      ? error.message
      : String(error)

const UNDER_WAY: readonly Phase[] = ['preparing', 'waiting', 'sending']
const PENDING: readonly Phase[] = [...UNDER_WAY, 'ready', 'failed']

export const isUnderWay = ({ phase }: Item): boolean => UNDER_WAY.includes(phase)
export const isPending = ({ phase }: Item): boolean => PENDING.includes(phase)
