/**
 * A button that cannot be pressed while its work is under way, or that goes when it is done, loses the focus for good: the browser
 * forgets where it was. Whoever goes by keyboard gets it back as soon as the button can be pressed again, or goes on in the section
 * that the button stood in; unless the focus has gone on by itself.
 */
export function keepFocus(): void {
  let last: HTMLElement | null = null
  let section: HTMLElement | null = null
  const lost = () => document.activeElement === null || document.activeElement === document.body
  const giveBack = () => {
    if (!last || !lost()) return
    const next = last.isConnected ? last : section
    if (next?.isConnected && !next.matches(':disabled')) next.focus({ preventScroll: true })
  }
  document.addEventListener('focusin', ({ target }) => {
    last = target instanceof HTMLElement ? target : null
    section = last?.closest<HTMLElement>('section[tabindex="-1"]') ?? null
  })
  document.addEventListener('pointerdown', () => (last = null), true) // somebody goes elsewhere, or the focus follows
  new MutationObserver(giveBack).observe(document.body, { subtree: true, childList: true, attributeFilter: ['disabled'] })
}
