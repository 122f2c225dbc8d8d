import type { Writable } from 'node:stream'
import { StoreError, type ObjectStore } from '../lib/store/object-store.js'
import { openStore } from '../lib/store/open-store.js'
import { nameOptions } from './option-names.js'
import type { Output } from './progress.js'

/** The environment and the streams of a command; `process` implements it. */
export interface CommandIo {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: Output & Writable
  readonly stderr: Output
}

/** Runs a command and returns the text to print at its end, or the exit code if it has printed everything. Throws an Error if it fails. */
export type Command = (argv: readonly string[], io: CommandIo) => Promise<string | number>

/** A failure of a command that ends with this exit code. Each line of the message is printed as a line of its own, after the name of the command. */
export class CommandError extends Error {
  readonly exitCode: number

  constructor (message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/** The command line is wrong: an option is unknown or missing, or has a value that is not accepted. */
export class UsageError extends CommandError {
  constructor (message: string) {
    super(message, 2)
  }
}

/** An option that the command does not have. */
export class UnknownOptionError extends UsageError {
  /** Without its hyphens. */
  readonly option: string
  /** Its value: what follows it on the command line. `undefined` if nothing follows, or another option. */
  readonly value: string | undefined

  /** @param advice the end of the message */
  constructor ({ name, rawName }: { readonly name: string, readonly rawName: string }, advice: string, value: string | undefined) {
    super(`unknown option ${rawName}${advice}`)
    this.option = name
    this.value = value
  }
}

/** Runs a command as a process: prints its result, or its error, and returns the exit code. An error names the options that were given, not their settings. `name` begins each line of an error. The message of an error that is not a `CommandError` becomes one line. */
export async function runCommand (command: Command, argv: readonly string[], io: CommandIo, name = command.name): Promise<number> {
  try {
    const result = await command(argv, io)
    if (typeof result === 'number') return result
    return await writeStdout(io.stdout, [result + '\n']) ? 0 : 1
  } catch (thrown) {
    // Imported when it is needed: the definitions of settings take longer to load than the rest of a command line.
    const error = thrown instanceof UnknownOptionError ? (await import('./setting-option.js')).adviseSetting(thrown, name) : thrown
    const text = error instanceof Error ? error.message : String(error)
    // An unknown option cannot take the place of its setting.
    const message = thrown instanceof UnknownOptionError ? text : nameOptions(text, argv)
    const lines = error instanceof CommandError ? message.split('\n') : [message.replaceAll(/\s+/g, ' ')]
    for (const line of lines) io.stderr.write(`${name}: ${line}\n`)
    return error instanceof CommandError ? error.exitCode : 1
  }
}

/** Writes to stdout. Returns whether its reader has taken everything; `head` does not. */
export async function writeStdout (stdout: CommandIo['stdout'], chunks: Iterable<string | Buffer> | AsyncIterable<string | Buffer>): Promise<boolean> {
  // Each write reports its error, too; without a listener, the event would end the process.
  stdout.on('error', () => {})
  try {
    for await (const chunk of chunks) {
      await new Promise<void>((resolve, reject) => { stdout.write(chunk, (error) => error ? reject(error) : resolve()) })
    }
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return false
    throw error
  }
}

/** Opens a lake for `work`, creates it if it does not exist, and closes it afterwards. S3 settings are read from the standard AWS variables. */
export async function withLake<T> (url: string, env: CommandIo['env'], work: (store: ObjectStore) => Promise<T>): Promise<T> {
  const store = openStore({ url, env, blocking: true })
  const isBucket = url.startsWith('s3:')
  try {
    await store.create().catch((error: unknown) => {
      throw isBucket && error instanceof StoreError && error.code === 'access_denied' && error.isRefused ? notCreatable(url) : error
    })
    return await work(store)
  } catch (error) {
    // Without the right to see whether a bucket exists, `create` assumes that it does.
    throw isBucket && error instanceof StoreError && error.code === 'no_such_bucket' ? notCreatable(url) : error
  } finally {
    await store.close()
  }
}

function notCreatable (url: string): CommandError {
  return new CommandError(`${url}: there is no such bucket, and the credentials may not create it: allow s3:CreateBucket, or create it with other credentials`)
}
