import { createRequire } from 'node:module'

interface PackageInfo {
  readonly version: string
  readonly description: string
}

/** What package.json says of this program. */
export const { version, description } = createRequire(import.meta.url)('#package.json') as PackageInfo
