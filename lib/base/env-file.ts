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

/** Copies the variables AWS_* in such a file to the environment, unless it has them, because the SDK reads the environment and not this file. */
export function loadAwsSettings (path: string, env: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(readEnvFile(path))) if (name.startsWith('AWS_')) env[name] ??= value
}
