/** What jsdom lacks and the app uses. */
import '@testing-library/jest-dom/vitest'
import { cleanup } from '@testing-library/react'
import { afterEach } from 'vitest'

afterEach(cleanup)

HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
  this.open = true
}
HTMLDialogElement.prototype.close ??= function (this: HTMLDialogElement) {
  this.open = false
}
HTMLElement.prototype.scrollIntoView ??= () => {}

class NothingObserved {
  observe() {}
  disconnect() {}
  unobserve() {}
  takeRecords() {
    return []
  }
}
Object.assign(globalThis, { IntersectionObserver: NothingObserved, ResizeObserver: NothingObserved })
