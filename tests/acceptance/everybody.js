/** What tests/acceptance/everybody.py asks of a page: what follows the first semicolon. */
;(() => {
  const CONTROLS = 'a[href], button, input, textarea, select, summary'
  const top = document.querySelector('dialog[open]') ?? document.body
  const isSeen = element => {
    const box = element.getBoundingClientRect()
    const hidden = element.closest('[inert], .unseen, .skip, svg') || !element.checkVisibility({ opacityProperty: true })
    return !hidden && box.width > 0 && box.height > 0
  }
  const all = [...top.querySelectorAll('*')].filter(isSeen)
  const controls = all.filter(element => element.matches(CONTROLS))
  const named = element => element.outerHTML.slice(0, 120)
  const hasText = element => [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())
  const flows = element => {
    for (let at = element; at && at !== top; at = at.parentElement)
      if (['absolute', 'fixed', 'sticky'].includes(getComputedStyle(at).position)) return false
    return true
  }

  return {
    /** A map or a chart that is drawn over its edge is no text that is out of reach. */
    overTheEdge() {
      const out = all.filter(element => element.getBoundingClientRect().right > innerWidth + 0.5 && !element.closest('.map, .chart'))
      if (document.documentElement.scrollWidth > innerWidth) out.push(document.documentElement)
      if (top.scrollWidth > top.clientWidth + 1) out.push(top)
      return out.map(named)
    },

    cutOff() {
      const cut = element => {
        const { overflowX, overflowY, textOverflow } = getComputedStyle(element)
        const wide = overflowX !== 'visible' && textOverflow !== 'ellipsis' && element.scrollWidth > element.clientWidth + 1
        const high = ['hidden', 'clip'].includes(overflowY) && element.scrollHeight > element.clientHeight + 1
        return wide || high
      }
      return all.filter(element => hasText(element) && cut(element)).map(named)
    },

    /** A link within a sentence may be as high as its line. */
    smallerThan(limit) {
      const target = element => (element.matches('.check input, .segments input') ? element.closest('label') : element)
      const small = element => {
        const { width, height } = target(element).getBoundingClientRect()
        return Math.min(width, height) < limit - 0.5
      }
      return controls.filter(element => getComputedStyle(element).display !== 'inline' && small(element)).map(named)
    },

    /** How many controls there are, and those whose focus cannot be seen. After a key was pressed focus() shows it as Tab does. */
    focusUnseen() {
      const before = document.activeElement
      const enabled = controls.filter(element => !element.disabled)
      const found = enabled.filter(element => {
        element.focus({ preventScroll: true })
        const shown = element.matches('.segments input') ? element.nextElementSibling : element
        const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(shown)
        const unseen = outlineStyle === 'none' || parseFloat(outlineWidth) < 2 || outlineColor === 'rgba(0, 0, 0, 0)'
        return document.activeElement !== element || unseen
      })
      before.focus({ preventScroll: true })
      return [enabled.length, found.map(named)]
    },

    /** In one column what comes later stands lower, or beside: nothing is read before what is above it. A figure may stand over its name. */
    outOfOrder() {
      const said = all.filter(element => flows(element) && !element.matches('dd') && (element.matches(CONTROLS) || hasText(element)))
      const above = (element, i) => element.getBoundingClientRect().bottom <= said[i].getBoundingClientRect().top
      return said.slice(1).filter(above).map(named)
    },

    moving() {
      const moves = (element, part) => {
        const { animationName, transitionDuration } = getComputedStyle(element, part)
        return animationName !== 'none' || transitionDuration.split(',').some(each => parseFloat(each) > 0)
      }
      const parts = [null, '::before', '::after', '::backdrop']
      return [...document.querySelectorAll('*')].filter(element => parts.some(part => moves(element, part))).map(named)
    },

    /** WCAG 1.4.12. */
    space(isWide) {
      const sheet = new CSSStyleSheet()
      if (isWide)
        sheet.replaceSync(`
          * { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }
          p { margin-block-end: 2em !important }`)
      document.adoptedStyleSheets = [sheet]
    },

    /** The middles of what stands in the header. */
    headerMiddles() {
      const shown = [...document.querySelectorAll('.top :is(a, button, .pill)')].filter(isSeen)
      return shown.map(element => element.getBoundingClientRect()).map(({ top, height }) => top + height / 2)
    },
  }
})()
