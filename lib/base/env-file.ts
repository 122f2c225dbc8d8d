import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'

/** The variables in the file `path`, by name; none if it cannot be read. */
export function readEnvFile (path: string): Record<string, string | undefined> {
  try {
    return parseEnv(readFileSync(path, 'utf8'))
  } catch {
    return {}
  }
}
