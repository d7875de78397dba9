/** What the edge says about this deployment: `uiConfig.json`, checked once, so that the rest of the app can trust it. */

export interface AuthConfig {
  userPoolId: string
  userPoolClientId: string
  /** Absent on AWS, where Amplify knows the address from the pool's region. */
  userPoolEndpoint?: string
  flow?: 'USER_SRP_AUTH' | 'USER_PASSWORD_AUTH'
  /**
   * Absent: both regions have the same passwords, which can be changed where the application writes. `own`: this region has passwords
   * of its own, which can be changed at any time. `replica`: passwords come from the other region, and cannot be changed here.
   */
  passwords?: 'own' | 'replica'
}

export interface RegionConfig {
  label: string
  apiUrl: string
  stateUrl: string
  /** Absent where the region cannot stream: the state is then polled. */
  eventsUrl?: string
  auth: AuthConfig
}

export interface Limits {
  photoBytes: number
  commentCharacters: number
  captionCharacters: number
  passwordCharactersMin: number
  passwordCharactersMax: number
}

/** Where operators' calls go. Absent on AWS, where a dashboard takes the console's place. */
export interface OperationsConfig {
  url: string
  /** Whether parts can be lost on purpose: only where all of them run on one machine. */
  faults: boolean
  lagObjectiveSeconds: number
}

export interface UiConfig {
  appId: string
  name: string
  primary: string
  secondary: string
  regions: Record<string, RegionConfig>
  limits: Limits
  operations?: OperationsConfig
  dashboardUrl?: string
  /** The application is not the gallery: its own pages are at the edge's root, this console is beside them. */
  own?: boolean
}

export type Fetch = typeof fetch

const LIMITS = ['passwordCharactersMin', 'passwordCharactersMax'] as const
const GALLERY_LIMITS = ['photoBytes', 'commentCharacters', 'captionCharacters'] as const

const CONFIG_TIMEOUT_MS = 8_000

export async function loadConfig(request: Fetch = fetch): Promise<UiConfig> {
  const answer = await request('./uiConfig.json', { cache: 'no-store', signal: AbortSignal.timeout(CONFIG_TIMEOUT_MS) })
  if (!answer.ok) throw new Error(`uiConfig.json: HTTP ${answer.status}`)
  return checkConfig(await answer.json())
}

export function checkConfig(value: unknown): UiConfig {
  const config = value as UiConfig
  for (const field of ['appId', 'name', 'primary', 'secondary'] as const) requireText(config?.[field], field)
  for (const region of [config.primary, config.secondary]) checkRegion(config.regions?.[region], region)
  for (const field of config.own ? LIMITS : [...GALLERY_LIMITS, ...LIMITS]) {
    if (!(config.limits?.[field] > 0)) throw new Error(`uiConfig.json: limits.${field} is missing`)
  }
  return config
}

function checkRegion(region: RegionConfig | undefined, name: string): void {
  for (const field of ['label', 'apiUrl', 'stateUrl'] as const) requireText(region?.[field], `regions.${name}.${field}`)
  for (const field of ['userPoolId', 'userPoolClientId'] as const) {
    requireText(region?.auth?.[field], `regions.${name}.auth.${field}`)
  }
}

function requireText(value: unknown, field: string): void {
  if (typeof value !== 'string' || value === '') throw new Error(`uiConfig.json: ${field} is missing`)
}

export function regionConfig(config: UiConfig, region: string): RegionConfig {
  const found = config.regions[region]
  if (!found) throw new Error(`uiConfig.json: region ${region} is missing`)
  return found
}

export const otherRegion = (config: UiConfig, region: string): string =>
  region === config.primary ? config.secondary : config.primary
