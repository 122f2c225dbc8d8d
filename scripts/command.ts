import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ObjectStore } from '../lib/store/object-store.js'
import { openStore } from '../lib/store/open-store.js'
import type { Screen } from './progress.js'

/** What a command knows of the world: `process` is one. */
export interface CommandIo {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: Screen
  readonly stderr: Screen
}

/** Carries a command out and answers what to print at the end. Throws what went wrong. */
export type Command = (argv: readonly string[], world: CommandIo) => Promise<string>

/** Carries a command out as a process does: answers its exit code, and tells what went wrong in one line. */
export async function runCommand (command: Command, argv: readonly string[], world: CommandIo): Promise<number> {
  try {
    world.stdout.write(await command(argv, world) + '\n')
    return 0
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    world.stderr.write(`${command.name}: ${message.replaceAll(/\s+/g, ' ')}\n`)
    return 1
  }
}

/** Whether Node was started with the module of this URL: not where a test imports it. */
export function isStarted (moduleUrl: string, script: string | undefined): boolean {
  return script !== undefined && realpathSync(script) === fileURLToPath(moduleUrl)
}

/** Opens a lake for `work`, made where it is missing. What its URL leaves open comes from the standard AWS variables. */
export async function withLake<T> (url: string, env: CommandIo['env'], work: (store: ObjectStore) => Promise<T>): Promise<T> {
  const store = openStore({ url, env, blocking: true })
  try {
    await store.create()
    return await work(store)
  } finally {
    await store.close()
  }
}
