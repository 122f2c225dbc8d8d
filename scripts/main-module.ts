import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Whether the module with this URL is the script that Node was started with, and not one that another module imports. */
export function isMainModule (moduleUrl: string, script: string | undefined): boolean {
  return script !== undefined && realpathSync(script) === fileURLToPath(moduleUrl)
}
