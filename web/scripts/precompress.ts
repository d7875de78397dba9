/** Writes `.gz` and `.br` beside every compressible file of the build, so that a static server only has to pick one. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { Plugin } from 'vite'

const COMPRESSIBLE = /\.(html|js|css|svg|json|md|txt)$/
const BYTES_WORTH_IT = 1024

const gz = promisify(gzip)
const br = promisify(brotliCompress)

async function compress(path: string): Promise<void> {
  const bytes = await readFile(path)
  if (bytes.length < BYTES_WORTH_IT) return
  await writeFile(`${path}.gz`, await gz(bytes, { level: 9 }))
  await writeFile(`${path}.br`, await br(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }))
}

export function precompress(): Plugin {
  let folder = ''
  return {
    name: 'precompress',
    apply: 'build',
    configResolved: config => {
      folder = resolve(config.root, config.build.outDir)
    },
    closeBundle: async () => {
      const files = await readdir(folder, { recursive: true })
      await Promise.all(files.filter(file => COMPRESSIBLE.test(file)).map(file => compress(join(folder, file))))
    },
  }
}
