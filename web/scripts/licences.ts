/** The fonts are under the SIL Open Font License, which asks for its text to travel with them. */
import { readFile } from 'node:fs/promises'
import type { Plugin } from 'vite'

const FONTS = { geist: '@fontsource-variable/geist', 'instrument-serif': '@fontsource/instrument-serif' }

export function fontLicences(): Plugin {
  return {
    name: 'font-licences',
    apply: 'build',
    async generateBundle() {
      for (const [name, source] of Object.entries(FONTS)) {
        const text = await readFile(new URL(`../node_modules/${source}/LICENSE`, import.meta.url), 'utf8')
        this.emitFile({ type: 'asset', fileName: `licences/${name}.txt`, source: text })
      }
    },
  }
}
