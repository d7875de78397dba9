import { useEffect, useState, type FormEvent } from 'react'
import { useLightbox, useSituation } from '../context'
import type { Profile } from '../lib/auth'
import { useEvery } from '../ui/useEvery'
import { SaveBar } from './SaveBar'
import { useSave } from './useSave'

const LOOK_MS = 30_000
const LOOK_SOON_MS = 3_000

export function ProfileForm() {
  const { stored, keep } = useStored()
  const [typed, setTyped] = useState<Partial<Profile>>({})
  const saving = useSave()
  const { email, phone } = { email: '', phone: '', ...stored, ...typed }
  const changed = stored !== null && (email !== stored.email || phone !== stored.phone)

  const submit = (event: FormEvent) => {
    event.preventDefault()
    const profile = { email: email.trim(), phone: phone.replaceAll(/[\s()-]/g, '') }
    saving.save(async auth => {
      await auth.changeProfile(profile)
      keep(profile)
      setTyped({})
    })
  }
  return (
    <form onSubmit={submit} aria-label="Profile">
      <label>
        E-mail
        <input
          type="email"
          autoComplete="email"
          maxLength={254}
          required
          disabled={stored === null}
          value={email}
          onChange={event => setTyped({ ...typed, email: event.target.value })}
        />
      </label>
      <label>
        Telephone
        <input
          type="tel"
          autoComplete="tel"
          maxLength={24}
          pattern="\+[0-9 \(\)\-]{7,23}"
          title="With + and the country’s number, such as +1 206 555 0100"
          placeholder="+1 206 555 0100"
          disabled={stored === null}
          value={phone}
          onChange={event => setTyped({ ...typed, phone: event.target.value })}
        />
      </label>
      <SaveBar saving={saving} label="Save profile" done="Saved in both regions." ready={changed} />
    </form>
  )
}

/** What the region has; asked for again until it answers, and in the other region after a move. */
function useStored() {
  const lightbox = useLightbox()
  const { region } = useSituation()
  const [stored, setStored] = useState<Profile | null>(null)
  const read = async () => setStored(await lightbox.here.auth.profile())
  useEvery(stored === null ? LOOK_SOON_MS : LOOK_MS, read)
  useEffect(() => void read().catch(() => {}), [region])
  return { stored, keep: setStored }
}
