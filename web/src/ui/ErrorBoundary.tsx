/** The last resort: whatever breaks while drawing, the page says so and is never blank. */
import { Component, type ReactNode } from 'react'

export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false }

  static getDerivedStateFromError() {
    return { failed: true }
  }

  override render() {
    if (!this.state.failed) return this.props.children
    return (
      <main className="centre">
        <h1 className="display">Something went wrong</h1>
        <p className="muted">
          This page could not go on. Your photographs are not affected. Loading it again usually helps.
        </p>
        <button className="button primary" onClick={() => location.reload()}>
          Load again
        </button>
      </main>
    )
  }
}
