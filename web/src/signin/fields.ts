import type { FormEvent } from 'react'

/** The text of a field of a submitted form. */
export const fieldOf = (event: FormEvent<HTMLFormElement>, name: string): string =>
  String(new FormData(event.currentTarget).get(name) ?? '')
