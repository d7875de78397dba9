import { PASSWORD_LONGEST, PASSWORD_SHORTEST } from './fields'

export const NewPasswordField = ({ autoFocus = false }: { autoFocus?: boolean }) => (
  <label>
    New password
    <input
      name="new-password"
      aria-describedby="shortest"
      type="password"
      autoComplete="new-password"
      minLength={PASSWORD_SHORTEST}
      maxLength={PASSWORD_LONGEST}
      required
      autoFocus={autoFocus}
    />
    <small id="shortest" className="muted">
      At least {PASSWORD_SHORTEST} characters.
    </small>
  </label>
)
