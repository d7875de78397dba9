import './styles/fonts.css'
import './styles/tokens.css'
import './styles/parts.css'
import './styles/shell.css'
import './styles/signin.css'
import './styles/gallery.css'
import './styles/viewer.css'
import './styles/upload.css'
import './styles/account.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './App'
import { ErrorBoundary } from './ui/ErrorBoundary'
import { keepFocus } from './ui/keepFocus'

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root')
keepFocus()
createRoot(root).render(
  <StrictMode>
    <ErrorBoundary>
      <App />
    </ErrorBoundary>
  </StrictMode>,
)
