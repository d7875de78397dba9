import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'
import { fontLicences } from './scripts/licences.ts'
import { plainAmplifyConfig } from './scripts/plainAmplifyConfig.ts'
import { precompress } from './scripts/precompress.ts'

// Relative addresses and hash routes: the bundle works from any path of any static server, with no rewriting.
export default defineConfig({
  base: './',
  plugins: [react(), plainAmplifyConfig(), fontLicences(), precompress()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    manifest: true, // says which file needs which: scripts/build_web.py adds up what people have to load
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    license: { fileName: 'licences/javascript.txt' },
    reportCompressedSize: false,
  },
  test: { include: ['test/**/*.test.{ts,tsx}'], restoreMocks: true },
})
