import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'

/** The variables in a file of `NAME=value` lines, by name. Returns an empty object if the file cannot be read. */
export function readEnvFile (path: string): Record<string, string | undefined> {
  try {
    return parseEnv(readFileSync(path, 'utf8'))
  } catch {
    return {}
  }
}
