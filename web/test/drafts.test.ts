import { describe, expect, it } from 'vitest'
import { Drafts } from '../src/lib/drafts'

describe('drafts', () => {
  it('are kept for each photograph', () => {
    const drafts = new Drafts()
    drafts.write('a', 'one')
    drafts.write('b', 'two')
    expect([drafts.text('a'), drafts.text('b'), drafts.text('c')]).toEqual(['one', 'two', ''])
  })

  it('keep their id from attempt to attempt while the text is the same', () => {
    const drafts = new Drafts()
    drafts.write('a', ' one ')
    const first = drafts.attempt('a')
    expect(first.message).toBe('one')
    expect(drafts.attempt('a')).toEqual(first)
    drafts.write('a', 'one and a half')
    expect(drafts.attempt('a').commentId).not.toBe(first.commentId)
  })

  it('go when they have been posted, but not if they were changed meanwhile', () => {
    const drafts = new Drafts()
    drafts.write('a', 'one')
    const { commentId } = drafts.attempt('a')
    drafts.write('a', 'one, and more')
    drafts.posted('a', commentId)
    expect(drafts.text('a')).toBe('one, and more')
    drafts.posted('a', drafts.attempt('a').commentId)
    expect(drafts.any).toBe(false)
  })
})
