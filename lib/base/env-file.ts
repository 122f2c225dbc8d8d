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

/** Copies the variables AWS_* of a file of `NAME=value` lines to the environment, except those that it already has: the SDK reads only the environment. */
export function loadAwsSettings (path: string, env: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(readEnvFile(path))) if (name.startsWith('AWS_')) env[name] ??= value
}
