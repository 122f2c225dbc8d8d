import { createRequire } from 'node:module'

interface PackageInfo {
  readonly version: string
  readonly description: string
}

/** The version and the description in package.json. */
export const { version, description } = createRequire(import.meta.url)('#package.json') as PackageInfo
