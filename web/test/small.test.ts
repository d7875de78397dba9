import { describe, expect, it } from 'vitest'
import { readFileSync } from 'node:fs'
// @ts-expect-error the script is plain JavaScript
import { render, whole } from '../scripts/api-types.mjs'
import { isSessionKey, mayDelete } from '../src/lib/auth'
import { checkConfig } from '../src/lib/config'
import { ago, bytes, counted } from '../src/lib/format'
import { newId } from '../src/lib/ids'
import { fit, isHeic } from '../src/lib/image'
import { backoffMs, TimedOut, within } from '../src/lib/pause'
import { SignedUrls } from '../src/lib/signedUrls'
import { parseState } from '../src/lib/state'
import type { Photo } from '../src/lib/schema'
import { failureWords } from '../src/signin/words'
import { configOf, stateDocument } from './region'

describe('ids', () => {
  it('are UUIDs of version 7 that the API accepts', () => {
    expect(newId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  it('sort by time, and differ within a millisecond', () => {
    const ids = Array.from({ length: 500 }, (_, i) => newId(1_800_000_000_000 + i))
    expect(ids.toSorted()).toEqual(ids)
    expect(new Set(Array.from({ length: 500 }, () => newId(1))).size).toBe(500)
  })
})

describe('state documents', () => {
  const good = stateDocument('fenced', 4)

  it('are taken as they are', () => expect(parseState(good)).toEqual(good))

  it.each([
    null,
    'active',
    {},
    { ...good, state: 'Active' },
    { ...good, epoch: 1.5 },
    { ...good, epoch: -1 },
    { ...good, writer: 7 },
  ])('are refused when they are not: %j', value => expect(() => parseState(value)).toThrow())
})

describe('uiConfig.json', () => {
  const good = configOf({ url: 'http://a' }, { url: 'http://b' })

  it('is taken as it is', () => expect(checkConfig(good)).toBe(good))

  it('of an application that is not the gallery needs no limits of photographs', () => {
    const { passwordCharactersMin, passwordCharactersMax } = good.limits
    const own = { ...good, own: true, limits: { passwordCharactersMin, passwordCharactersMax } }
    expect(checkConfig(own)).toBe(own)
  })

  it.each([
    [{ ...good, primary: '' }, 'primary'],
    [{ ...good, regions: {} }, 'regions.us-east-1.label'],
    [{ ...good, limits: undefined }, 'limits.photoBytes'],
    [{ ...good, own: true, limits: undefined }, 'limits.passwordCharactersMin'],
    [null, 'appId'],
  ])('names the field that is missing', (value, field) => expect(() => checkConfig(value)).toThrow(field))
})

describe('waiting', () => {
  it('gives up on a call that does not come back', async () => {
    await expect(within(5, new Promise(() => {}))).rejects.toThrow(TimedOut)
  })

  it('passes on what came in time, good or bad', async () => {
    await expect(within(1_000, Promise.resolve(3))).resolves.toBe(3)
    await expect(within(1_000, Promise.reject(new RangeError('x')))).rejects.toThrow(RangeError)
  })

  it('backs off, spread out, up to a limit', () => {
    expect([0, 1, 2, 9].map(attempt => backoffMs(attempt, 100, 1_000, 0.5))).toEqual([100, 200, 400, 1_000])
    expect([backoffMs(9, 100, 1_000, 0), backoffMs(9, 100, 1_000, 1)]).toEqual([750, 1_250])
  })
})

describe('pictures', () => {
  it('fit into the longest edge, and are never made larger', () => {
    expect(fit(6_000, 4_000, 2_560)).toEqual({ width: 2_560, height: 1_707 })
    expect(fit(4_000, 6_000, 2_560)).toEqual({ width: 1_707, height: 2_560 })
    expect(fit(800, 600, 2_560)).toEqual({ width: 800, height: 600 })
    expect(fit(9_000, 1, 100)).toEqual({ width: 100, height: 1 })
  })

  it('are known as HEIC by their contents, whatever they are called', async () => {
    const box = (brand: string) => new Blob([new Uint8Array([0, 0, 0, 24]), `ftyp${brand}`])
    expect(await isHeic(box('heic'))).toBe(true)
    expect(await isHeic(box('mif1'))).toBe(true)
    expect(await isHeic(box('isom'))).toBe(false)
    expect(await isHeic(new Blob([]))).toBe(false)
  })
})

describe('signed addresses', () => {
  const photo = (signature: string) => ({ photoId: 'p', url: `o?${signature}`, thumbnailUrl: `t?${signature}` }) as Photo
  const HOUR = 3_600_000
  const addressOf = ([settled]: Photo[]) => settled!.url

  it('stay the same while they are good, so that no picture loads twice', () => {
    const urls = new SignedUrls()
    const [first] = urls.settle([photo('1')], 'a', 0)
    expect(urls.settle([photo('2')], 'a', HOUR / 4)[0]).toBe(first)
  })

  it('are replaced before they run out, and in another region', () => {
    const urls = new SignedUrls()
    urls.settle([photo('1')], 'a', 0)
    expect(urls.isGood('p', 'a', HOUR * 0.6)).toBe(true)
    expect(urls.isGood('p', 'a', HOUR * 0.9)).toBe(false)
    expect(urls.isGood('p', 'b', 0)).toBe(false)
    expect(addressOf(urls.settle([photo('2')], 'a', HOUR * 0.9))).toBe('o?2')
    expect(addressOf(urls.settle([photo('3')], 'b', HOUR))).toBe('o?3')
  })

  it('are replaced when one did not load, but not over and over', () => {
    const urls = new SignedUrls()
    urls.settle([photo('1')], 'a', 0)
    urls.forget('p')
    expect(addressOf(urls.settle([photo('2')], 'a', 10_000))).toBe('o?1')
    expect(addressOf(urls.settle([photo('3')], 'a', 90_000))).toBe('o?3')
  })
})

describe('words', () => {
  it.each([
    ['2026-01-31T12:00:00.000Z', 'just now'],
    ['2026-01-31T11:15:00.000Z', '45 minutes ago'],
    ['2026-01-30T11:00:00.000Z', 'yesterday'],
    ['2025-01-31T12:00:00.000Z', 'last year'],
  ])('%s is %s', (iso, words) => expect(ago(iso, Date.parse('2026-01-31T12:00:10.000Z'))).toBe(words))

  it('for sizes and numbers', () => {
    expect([900, 2_048, 26_214_400, 1_677_722].map(bytes)).toEqual(['900 bytes', '2 kB', '25 MB', '1.6 MB'])
    expect([1, 2, 1_200].map(count => counted(count, 'photograph'))).toEqual([
      '1 photograph',
      '2 photographs',
      '1,200 photographs',
    ])
  })

  it.each([
    ['NotAuthorizedException', 'Incorrect username or password.', /don’t match/],
    ['NotAuthorizedException', 'User is disabled.', /disabled/],
    ['NotAuthorizedException', 'Access Token has been revoked', /sign in again/],
    [
      'NotAuthorizedException',
      'Temporary password has expired and must be reset by an administrator.',
      /temporary password has run out/,
    ],
    ['PasswordResetRequiredException', '', /reset/],
    ['CodeMismatchException', '', /doesn’t fit/],
    ['FencedException', '', /paused/],
    ['TimedOut', '', /no answer/],
    ['SomethingNew', 'As the service says.', /As the service says/],
  ])('for a sign-in that failed with %s', (name, message, words) => {
    expect(failureWords(Object.assign(new Error(message), { name }))).toMatch(words)
  })
})

describe('who may do what', () => {
  it('lets owners and operators delete', () => {
    expect(mayDelete({ name: 'first-user', groups: [] }, 'first-user')).toBe(true)
    expect(mayDelete({ name: 'first-user', groups: [] }, 'second-user')).toBe(false)
    expect(mayDelete({ name: 'first-user', groups: ['operators'] }, 'second-user')).toBe(true)
  })

  it('knows which keys of the storage hold a session', () => {
    const config = { userPoolId: 'x', userPoolClientId: 'client' }
    expect(isSessionKey(config, 'CognitoIdentityServiceProvider.client.first-user.idToken')).toBe(true)
    expect(isSessionKey(config, 'something else')).toBe(false)
  })
})

it('has types that are generated from the API as it is', () => {
  expect(readFileSync(new URL('../src/lib/schema.ts', import.meta.url), 'utf8')).toBe(render(whole()))
})
