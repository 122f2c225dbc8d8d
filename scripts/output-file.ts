import { randomUUID } from 'node:crypto'
import { open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { TextChunks } from '../lib/query/data-version.js'
import { CommandError, UsageError } from './command.js'

/** Checks that `path`, the value of --output, is that of a regular file, or of a new file in a folder that exists. @param otherwise what the command does without --output @throws {UsageError} */
export async function checkOutputFile (path: string, otherwise: string): Promise<void> {
  // Many commands take it for stdout. A file of this name is ./-.
  if (path === '-') throw new UsageError(`--output: got '-'; must be the path of a file; without --output ${otherwise}`)
  const found = await stat(path).catch(() => undefined)
  if (found !== undefined && !found.isFile()) throw new UsageError(`--output: got '${path}', which is not a regular file; without --output ${otherwise}`)
  if (!(await stat(dirname(path)).catch(() => undefined))?.isDirectory()) throw new UsageError(`--output: got '${path}'; the folder ${dirname(path)} does not exist`)
}

/** Writes a temporary file beside the file and renames it, so that readers never see a part of it. A file that is replaced keeps its mode. @throws {CommandError} */
export async function writeFileAtomically (path: string, body: Buffer | TextChunks): Promise<void> {
  const target = await realpath(path).catch(() => path)
  const mode = await stat(target).then((found) => found.mode & 0o777, () => undefined)
  const temporary = join(dirname(target), `.${basename(target)}.${randomUUID()}.tmp`)
  try {
    const file = await open(temporary, 'wx')
    try {
      if (mode !== undefined) await file.chmod(mode)
      await writeFile(file, body)
      await file.datasync()
    } finally {
      await file.close()
    }
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {}) // the error that is thrown is the cause
    // The body may fail, too.
    throw (error as NodeJS.ErrnoException).syscall === undefined ? error : notWritten(path, error)
  }
}

/** The error of a command that could not write the file of --output. */
export function notWritten (path: string, error: unknown): CommandError {
  return new CommandError(`--output: '${path}' cannot be written: ${(error as Error).message}`)
}
