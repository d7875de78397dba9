import type { Form } from './useSignIn'

/** Keeps what was typed from one step to the next. */
export const UserField = ({ form }: { form: Form }) => (
  <label>
    User name
    <input
      name="username"
      autoComplete="username"
      autoCapitalize="none"
      spellCheck={false}
      maxLength={128}
      required
      autoFocus
      value={form.user}
      onChange={event => form.setUser(event.target.value)}
    />
  </label>
)
