// @vitest-environment jsdom
import './setup'
import { cleanup, render, screen, waitFor } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import type { ReactNode } from 'react'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LightboxContext } from '../src/context'
import type { Auth, Profile, SignInStep } from '../src/lib/auth'
import { Connection } from '../src/lib/connection'
import { Lightbox } from '../src/lib/lightbox'
import { CommentForm } from '../src/photos/CommentForm'
import { Comments } from '../src/photos/Comments'
import { SignIn } from '../src/signin/SignIn'
import { StateBanner } from '../src/ui/StateBanner'
import { StatePill } from '../src/ui/StatePill'
import { configOf, PRIMARY, Region, SECONDARY, stateDocument } from './region'

/** Signs in whoever knows the right passwords. */
class Door implements Auth {
  steps: SignInStep[] = ['done']
  calls: unknown[][] = []
  signedIn = true
  failure: Error | null = null

  private answer(...call: unknown[]): SignInStep {
    this.calls.push(call)
    if (this.failure) throw this.failure
    return this.steps.shift() ?? 'done'
  }
  signIn = async (name: string, password: string) => this.answer('signIn', name, password)
  newPassword = async (name: string, old: string, password: string) => this.answer('newPassword', name, old, password)
  signOut = async () => {}
  signOutEverywhere = async () => void this.answer('signOutEverywhere')
  forgot = async (name: string) => {
    this.answer('forgot', name)
    return 'the outbox'
  }
  resetPassword = async (...given: string[]) => void this.answer('resetPassword', ...given)
  changePassword = async (...given: string[]) => void this.answer('changePassword', ...given)
  stored: Profile = { email: 'first@example.com', phone: '' }
  profile = async () => this.stored
  changeProfile = async (profile: Profile) => {
    this.answer('changeProfile', profile)
    this.stored = profile
  }
  name = 'first-user'
  user = async () => (this.signedIn ? { name: this.name, groups: [] } : null)
  idToken = async () => 'token'
}

let primary: Region
let secondary: Region
let lightbox: Lightbox
let door: Door

beforeEach(async () => {
  primary = await new Region(PRIMARY).start()
  secondary = await new Region(SECONDARY).start()
  door = new Door()
  const connection = new Connection(configOf(primary, secondary))
  await connection.open()
  lightbox = new Lightbox(connection, () => door)
  lightbox.start()
})

afterEach(async () => {
  lightbox.connection.pauseFollowing()
  cleanup()
  lightbox.threads.clear()
  await primary.stop()
  await secondary.stop()
})

function show(children: ReactNode) {
  render(<LightboxContext value={lightbox}>{children}</LightboxContext>)
}

const box = () => screen.getByLabelText<HTMLTextAreaElement>('Your comment')
const post = () => screen.getByRole('button', { name: 'Post' })
const tell = (...document: Parameters<typeof stateDocument>) => {
  primary.tell(stateDocument(...document))
  secondary.tell(stateDocument(...document))
}

describe('the state in the header', () => {
  it('is never called active while no region answers', async () => {
    show(<StatePill />)
    const pill = screen.getByText('Active').closest('p')!
    expect(pill).toHaveTextContent('State: Active, served from N. Virginia')
    primary.silent = secondary.silent = true
    await primary.stop()
    await secondary.stop()
    await lightbox.connection.check()
    await waitFor(() => expect(screen.queryByText('Active')).toBeNull())
    expect(screen.getByText('No answer').closest('p')).toHaveTextContent('State: No answer, last served from')
    expect(screen.getByText('No answer').closest('p')).toHaveClass('tone-silent')
  })
})

describe('a page that moves', () => {
  it('waits for nothing that the region it has left still owes it', async () => {
    primary.holds = '/comments/'
    secondary.comments.push({ commentId: 'c', photoId: 'p', user: 'ada', message: 'From Tokyo', createdAt: '2026-01-31T12:00:00.000Z' })
    show(
      <>
        <StateBanner />
        <Comments photoId="p" />
        <CommentForm photoId="p" />
      </>,
    )
    await waitFor(() => expect(primary.paths).toContain('GET /comments/p'))
    await userEvent.type(box(), 'half a thought') // so that it does not move by itself
    tell('failover', 2)
    await userEvent.click(await screen.findByRole('button', { name: 'Move to Tokyo' }))
    expect(await screen.findByText('From Tokyo', undefined, { timeout: 6_000 })).toBeInTheDocument()
  }, 15_000)

  it('lists the photographs of the region it is in now', async () => {
    primary.holds = '/photos'
    void lightbox.photos.more()
    await waitFor(() => expect(primary.paths).toContain('GET /photos'))
    tell('failover', 2)
    await waitFor(() => expect(secondary.paths).toContain('GET /photos'))
    await waitFor(() => expect(lightbox.photos.shown.get().loaded).toBe(true))
  })
})

describe('a comment being written', () => {
  beforeEach(() =>
    show(
      <>
        <StateBanner />
        <Comments photoId="p" />
        <CommentForm photoId="p" />
      </>,
    ),
  )

  it('is posted, shown and gone from the box', async () => {
    await userEvent.type(box(), 'What a light')
    await userEvent.click(post())
    const shown = await screen.findByText('What a light', { selector: '.comment-text' })
    await waitFor(() => expect(lightbox.threads.of('p').said.get().own).toEqual([]))
    expect(shown).toBeInTheDocument() // the same one, once it has been read as well
    expect(box()).toHaveValue('')
  })

  it('is kept through fence, failover, the move and the return, and can be posted then', async () => {
    await userEvent.type(box(), 'Kept words')
    tell('fenced', 2)
    await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('Read-only for now'))
    expect(post()).toBeDisabled()

    tell('failover', 3)
    await userEvent.click(await screen.findByRole('button', { name: 'Move to Tokyo' }))
    await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('Served from Tokyo'))
    expect(box()).toHaveValue('Kept words')

    tell('active', 4)
    await userEvent.click(await screen.findByRole('button', { name: 'Return to N. Virginia' }))
    await waitFor(() => expect(post()).toBeEnabled())
    expect(box()).toHaveValue('Kept words')
    await userEvent.click(post())
    await waitFor(() => expect(primary.comments.map(comment => comment.message)).toEqual(['Kept words']))
    expect(secondary.comments).toEqual([])
  })

  it('that the fence refuses is kept, and the page follows the state in the refusal', async () => {
    await userEvent.type(box(), 'Too late')
    primary.fence = stateDocument('fenced', 2)
    await userEvent.click(post())
    expect(await screen.findByRole('alert')).toHaveTextContent('was not posted')
    expect(box()).toHaveValue('Too late')
    expect(screen.getByRole('status')).toHaveTextContent('Read-only for now')
    expect(post()).toBeDisabled()

    primary.fence = null
    tell('active', 3)
    await waitFor(() => expect(post()).toBeEnabled())
    await userEvent.click(post())
    await waitFor(() => expect(primary.comments).toHaveLength(1))
  })

  it('whose answer was lost is kept, and posting it again does not post it twice', async () => {
    primary.loseAnswers = 1
    await userEvent.type(box(), 'Once')
    await userEvent.click(post())
    expect(await screen.findByRole('alert')).toHaveTextContent('will not post it twice')
    expect(box()).toHaveValue('Once')
    await waitFor(() => expect(post()).toBeEnabled())
    await userEvent.click(post())
    await waitFor(() => expect(box()).toHaveValue(''))
    expect(primary.comments).toHaveLength(1)
  })
})

describe('a page on which nothing is under way', () => {
  it('moves along by itself, and returns only when asked', async () => {
    show(<StateBanner />)
    tell('failover', 2)
    await waitFor(() => expect(lightbox.connection.view.get().bound).toBe(SECONDARY))
    tell('active', 3)
    expect(await screen.findByRole('button', { name: 'Return to N. Virginia' })).toBeEnabled()
    expect(lightbox.connection.view.get().bound).toBe(SECONDARY)
  })
})

describe('a page on which something is being written', () => {
  it('stays until that is done, and moves along then', async () => {
    show(<StateBanner />)
    lightbox.drafts.write('p', 'half a sent')
    tell('failover', 2)
    expect(await screen.findByRole('button', { name: 'Move to Tokyo' })).toBeEnabled()
    for (let i = 0; i < 3; i++) await lightbox.connection.check() // long enough to have moved
    expect(lightbox.connection.view.get().bound).toBe(PRIMARY)
    lightbox.drafts.clear()
    await waitFor(() => expect(lightbox.connection.view.get().bound).toBe(SECONDARY))
  })
})

describe('signing in', () => {
  beforeEach(() => {
    door.signedIn = false
    show(<SignIn ended={false} />)
  })

  const signIn = async () => {
    await userEvent.type(screen.getByLabelText('User name'), ' first-user ')
    await userEvent.type(screen.getByLabelText('Password'), 'secret')
    await userEvent.click(screen.getByRole('button', { name: 'Sign in' }))
  }

  it('with a temporary password asks for a new one', async () => {
    door.steps = ['new-password', 'done']
    await signIn()
    await userEvent.type(await screen.findByLabelText(/New password/), 'a longer one')
    door.signedIn = true
    await userEvent.click(screen.getByRole('button', { name: 'Save and continue' }))
    expect(door.calls).toEqual([
      ['signIn', 'first-user', 'secret'],
      ['newPassword', 'first-user', 'secret', 'a longer one'],
    ])
    await waitFor(() => expect(lightbox.session.get().user?.name).toBe('first-user'))
  })

  it('with a password that was reset asks for the code', async () => {
    door.steps = ['reset-required']
    await signIn()
    await userEvent.type(await screen.findByLabelText('Code'), '1234')
    expect(screen.getByText(/An administrator has reset/)).toBeInTheDocument()
  })

  it('is possible again after a forgotten password, with a code', async () => {
    await userEvent.type(screen.getByLabelText('User name'), 'first-user')
    await userEvent.click(screen.getByRole('button', { name: 'Forgotten your password?' }))
    expect(screen.getByLabelText('User name')).toHaveValue('first-user')
    await userEvent.click(screen.getByRole('button', { name: 'Send me a code' }))
    expect(await screen.findByText(/has gone to the outbox/)).toBeInTheDocument()
    await userEvent.type(screen.getByLabelText('Code'), ' 1234 ')
    await userEvent.type(screen.getByLabelText(/New password/), 'a longer one')
    await userEvent.click(screen.getByRole('button', { name: 'Save and sign in' }))
    await waitFor(() =>
      expect(door.calls).toEqual([
        ['forgot', 'first-user'],
        ['resetPassword', 'first-user', '1234', 'a longer one'],
        ['signIn', 'first-user', 'a longer one'],
      ]),
    )
  })

  it('keeps what was typed when it fails, and when the page changes region', async () => {
    door.failure = Object.assign(new Error('no'), { name: 'NotAuthorizedException' })
    await signIn()
    expect(await screen.findByRole('alert')).toHaveTextContent('don’t match')
    tell('failover', 2)
    await waitFor(() => expect(lightbox.connection.view.get().bound).toBe(SECONDARY))
    expect(screen.getByLabelText('User name')).toHaveValue(' first-user ')
    expect(screen.getByLabelText('Password')).toHaveValue('secret')
  })
})

describe('a new password', () => {
  it('has the length that the deployment asks for', async () => {
    door.signedIn = false
    door.steps = ['new-password']
    lightbox.config.limits.passwordCharactersMin = 14
    lightbox.config.limits.passwordCharactersMax = 99
    show(<SignIn ended={false} />)
    await userEvent.type(screen.getByLabelText('User name'), 'first-user')
    await userEvent.type(screen.getByLabelText('Password'), 'secret')
    await userEvent.click(screen.getByRole('button', { name: 'Sign in' }))
    const field = await screen.findByLabelText(/New password/)
    expect(field).toHaveAttribute('minlength', '14')
    expect(field).toHaveAttribute('maxlength', '99')
    expect(screen.getByText('At least 14 characters.')).toBeInTheDocument()
  })
})

describe('a temporary password that has run out', () => {
  it('is told as such, with who can help, and not as a wrong one', async () => {
    door.signedIn = false
    door.failure = Object.assign(
      new Error('Temporary password has expired and must be reset by an administrator.'),
      { name: 'NotAuthorizedException' },
    )
    show(<SignIn ended={false} />)
    await userEvent.type(screen.getByLabelText('User name'), 'first-user')
    await userEvent.type(screen.getByLabelText('Password'), 'secret')
    await userEvent.click(screen.getByRole('button', { name: 'Sign in' }))
    expect(await screen.findByText(/temporary password has run out.*ask an administrator to invite you/)).toBeVisible()
    expect(screen.queryByText(/don’t match/)).toBeNull()
  })
})

describe('a region that is read only', () => {
  const forget = async (passwords?: 'own' | 'replica') => {
    door.signedIn = false
    lightbox.config.regions[SECONDARY]!.auth.passwords = passwords
    tell('failover', 2)
    await lightbox.connection.check()
    await waitFor(() => expect(lightbox.connection.view.get().bound).toBe(SECONDARY), { timeout: 6_000 })
    show(<SignIn ended={false} />)
    const said = screen.queryByText(/Tokyo has passwords of its own/) !== null
    await userEvent.click(screen.getByRole('button', { name: 'Forgotten your password?' }))
    return said
  }

  it('takes a new password all the same if its passwords are its own, and says so', async () => {
    expect(await forget('own')).toBe(true)
    await userEvent.type(screen.getByLabelText('User name'), 'first-user')
    await userEvent.click(screen.getByRole('button', { name: 'Send me a code' }))
    expect(await screen.findByText(/has gone to the outbox/)).toBeInTheDocument()
    expect(screen.getByRole('button', { name: 'Save and sign in' })).toBeEnabled()
  })

  it.each([undefined, 'replica'] as const)('takes none if passwords are those of the other region (%s)', async passwords => {
    expect(await forget(passwords)).toBe(false)
    expect(screen.getByText(/Passwords can’t be changed in Tokyo now/)).toBeInTheDocument()
    expect(screen.getByRole('button', { name: 'Send me a code' })).toBeDisabled()
  })
})

describe('a session that ends', () => {
  it('leaves what was written to the one who wrote it, and to nobody else', async () => {
    await lightbox.readSession()
    lightbox.drafts.write('p', 'mine')
    door.signedIn = false
    await lightbox.readSession()
    expect(lightbox.session.get()).toEqual({ user: null, ended: true })
    expect(lightbox.drafts.text('p')).toBe('mine')
    door.signedIn = true
    door.name = 'second-user'
    await lightbox.readSession()
    expect(lightbox.drafts.any).toBe(false)
  })
})

describe('signing out', () => {
  it('forgets what was written and chosen', async () => {
    vi.stubGlobal('createImageBitmap', () => Promise.reject(new Error('no pictures here')))
    lightbox.drafts.write('p', 'mine')
    lightbox.uploads.add([new File(['x'], 'a.jpg')])
    await lightbox.signOut()
    expect(lightbox.drafts.any).toBe(false)
    expect(lightbox.uploads.items.get()).toEqual([])
    expect(lightbox.session.get().user).toBeNull()
  })

  it('goes back to where the service is', async () => {
    tell('failover', 2)
    await waitFor(() => expect(lightbox.connection.view.get().bound).toBe(SECONDARY))
    tell('active', 3)
    await waitFor(() => expect(lightbox.connection.view.get().document?.epoch).toBe(3))
    await lightbox.signOut()
    await waitFor(() => expect(lightbox.connection.view.get().bound).toBe(PRIMARY))
  })
})
