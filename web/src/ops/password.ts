/** A temporary password that can be read from a screen: four groups, without the signs that people mix up. */

const LETTERS = 'abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const GROUPS = 4
const GROUP_LETTERS = 4

export function temporaryPassword(): string {
  const groups = Array.from({ length: GROUPS }, () => Array.from({ length: GROUP_LETTERS }, letter).join(''))
  return groups.join('-')
}

/** Drawn again where a plain remainder would favour the first letters. */
function letter(): string {
  const limit = 256 - (256 % LETTERS.length)
  for (;;) {
    const [byte] = crypto.getRandomValues(new Uint8Array(1))
    if (byte! < limit) return LETTERS[byte! % LETTERS.length]!
  }
}
