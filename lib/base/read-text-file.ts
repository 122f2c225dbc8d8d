import { readFile } from 'node:fs/promises'

/** Messages for the common system errors, by code. */
const READ_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'got a folder; must be a file',
  EACCES: 'the file cannot be read: permission denied'
}

/** Reads a UTF-8 file that a setting names. @throws {Error} with a message for the operator */
export async function readTextFile (path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new Error(READ_ERRORS[code ?? ''] ?? `the file cannot be read: ${message}`)
  }
}
