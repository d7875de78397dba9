import { useLightbox } from '../context'

export function NewPasswordField({ autoFocus = false }: { autoFocus?: boolean }) {
  const { passwordCharactersMin, passwordCharactersMax } = useLightbox().config.limits
  return (
    <label>
      New password
      <input
        name="new-password"
        aria-describedby="shortest"
        type="password"
        autoComplete="new-password"
        minLength={passwordCharactersMin}
        maxLength={passwordCharactersMax}
        required
        autoFocus={autoFocus}
      />
      <small id="shortest" className="muted">
        At least {passwordCharactersMin} characters.
      </small>
    </label>
  )
}
