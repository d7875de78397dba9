import { beforeEach, describe, expect, it } from 'vitest'
import { Thread, Threads } from '../src/lib/thread'
import type { Comment } from '../src/lib/schema'

const SIZE = 3
let written: Comment[]
let reads: (string | null)[]
let failure: Error | null
let thread: Thread

beforeEach(() => {
  written = []
  reads = []
  failure = null
  thread = new Thread(read)
})

async function read(after: string | null, signal: AbortSignal) {
  reads.push(after)
  await Promise.resolve()
  signal.throwIfAborted()
  if (failure) throw failure
  const rest = written.filter(comment => after === null || comment.commentId > after)
  return { comments: rest.slice(0, SIZE), next: rest.length > SIZE ? rest[SIZE - 1]!.commentId : null }
}

const comment = (number: number) => ({ commentId: `c${String(number).padStart(3, '0')}`, message: `${number}` }) as Comment
const write = (count: number) => {
  for (let i = 0; i < count; i++) written.push(comment(written.length))
}
const ids = (comments: readonly Comment[]) => comments.map(each => each.commentId)

describe('what is said about a photograph', () => {
  it('is read page by page', async () => {
    write(7)
    while (!thread.said.get().complete) await thread.more()
    expect(thread.said.get().comments).toEqual(written)
    expect(reads).toHaveLength(3)
  })

  it('is read once by many who ask at the same time', async () => {
    write(7)
    await Promise.all([thread.more(), thread.look(), thread.more()])
    expect(reads).toEqual([null])
  })

  it('is followed at its end, without reading the rest again', async () => {
    write(7)
    while (!thread.said.get().complete) await thread.more()
    reads = []
    write(1)
    await thread.look()
    expect(thread.said.get().comments).toEqual(written)
    write(4)
    await thread.look()
    await thread.more()
    expect(thread.said.get().comments).toEqual(written)
    expect(reads).toEqual(['c005', 'c005', 'c008'])
  })

  it('shows what was posted from here at once, and once', async () => {
    await thread.look()
    const mine = comment(0)
    thread.posted(mine)
    expect(ids(thread.said.get().own)).toEqual(['c000'])
    write(1)
    await thread.look()
    await thread.look()
    expect(thread.said.get()).toMatchObject({ comments: [mine], own: [] })
  })

  it('shows what was posted from here behind pages that have not been read', async () => {
    write(5)
    await thread.look()
    thread.posted(comment(9))
    await thread.look()
    expect(ids(thread.said.get().own)).toEqual(['c009'])
    expect(thread.said.get().complete).toBe(false)
  })

  it('stays when a reading fails, and says why', async () => {
    write(2)
    await thread.look()
    failure = new Error('no')
    await thread.look()
    expect(thread.said.get()).toMatchObject({ comments: written, failure })
    failure = null
    await thread.look()
    expect(thread.said.get().failure).toBeNull()
  })

  it('is read anew after a reading was given up', async () => {
    write(2)
    const given = thread.look()
    thread.stop()
    await Promise.all([given, thread.look()])
    expect(thread.said.get()).toMatchObject({ comments: written, failure: null })
  })
})

describe('the threads of a page', () => {
  it('are kept, and those looked at longest ago are forgotten', () => {
    const threads = new Threads((_, ...wanted) => read(...wanted))
    const first = threads.of('0')
    const second = threads.of('1')
    for (let i = 2; i < 50; i++) threads.of(String(i))
    expect(threads.of('0')).toBe(first)
    threads.of('50')
    expect(threads.of('0')).toBe(first)
    expect(threads.of('1')).not.toBe(second)
  })
})
