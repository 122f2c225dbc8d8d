import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ObjectStore } from '../lib/store/object-store.js'
import { openStore } from '../lib/store/open-store.js'
import type { Output } from './progress.js'

/** The environment and the streams of a command; `process` implements it. */
export interface CommandIo {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: Output
  readonly stderr: Output
}

/** Runs a command and returns the text to print at its end. Throws an Error if it fails. */
export type Command = (argv: readonly string[], io: CommandIo) => Promise<string>

/** Runs a command as a process: prints its result, or its error in one line, and returns the exit code. */
export async function runCommand (command: Command, argv: readonly string[], io: CommandIo): Promise<number> {
  try {
    io.stdout.write(await command(argv, io) + '\n')
    return 0
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    io.stderr.write(`${command.name}: ${message.replaceAll(/\s+/g, ' ')}\n`)
    return 1
  }
}

/** Whether the module with this URL is the script that Node was started with, and not one that another module imports. */
export function isMainModule (moduleUrl: string, script: string | undefined): boolean {
  return script !== undefined && realpathSync(script) === fileURLToPath(moduleUrl)
}

/** Opens a lake for `work`, creates it if it does not exist, and closes it afterwards. S3 settings are read from the standard AWS variables. */
export async function withLake<T> (url: string, env: CommandIo['env'], work: (store: ObjectStore) => Promise<T>): Promise<T> {
  const store = openStore({ url, env, blocking: true })
  try {
    await store.create()
    return await work(store)
  } finally {
    await store.close()
  }
}
