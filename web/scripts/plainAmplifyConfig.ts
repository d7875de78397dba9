/**
 * Amplify takes its settings in three shapes. Ours come in the plain one, so what reads the two others, for services that
 * nobody here uses, stays out of the bundle.
 */
import type { Plugin } from 'vite'

const MODULE = '/@aws-amplify/core/dist/esm/utils/parseAmplifyConfig.mjs'

export function plainAmplifyConfig(): Plugin {
  let found = false
  return {
    name: 'plain-amplify-config',
    apply: 'build',
    load(id) {
      if (!id.replaceAll('\\', '/').endsWith(MODULE)) return null
      found = true
      return 'export const parseAmplifyConfig = config => config'
    },
    buildEnd(error) {
      if (!error && !found) throw new Error(`Amplify has moved ${MODULE}: see scripts/plainAmplifyConfig.ts`)
    },
  }
}
