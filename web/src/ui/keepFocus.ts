/**
 * A button that cannot be pressed while its work is under way loses the focus for good: the browser forgets where it was.
 * Whoever goes by keyboard gets it back as soon as the button can be pressed again, unless the focus has gone on by itself.
 */
export function keepFocus(): void {
  let last: EventTarget | null = null
  const lost = () => document.activeElement === null || document.activeElement === document.body
  const giveBack = () => {
    if (lost() && last instanceof HTMLElement && last.isConnected && !last.matches(':disabled')) last.focus({ preventScroll: true })
  }
  document.addEventListener('focusin', event => (last = event.target))
  document.addEventListener('focusout', event => {
    if (event.target instanceof HTMLElement && !event.target.matches(':disabled')) last = null
  })
  new MutationObserver(giveBack).observe(document.body, { subtree: true, attributeFilter: ['disabled'] })
}
