import { Writable } from 'node:stream'
import type { CommandIo } from '../../scripts/command.js'

/** A stdout whose reader has closed it. */
export const closedStdout = () => new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error('closed'), { code: 'EPIPE' })) })

type Main = (argv: readonly string[], io: CommandIo) => Promise<number>

/** Runs a command in this process, without a terminal, and returns what it wrote. */
export async function runMain (main: Main, argv: readonly string[], env: CommandIo['env'] = {}) {
  const chunks: Buffer[] = []
  let err = ''
  const stdout = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk)
      done()
    }
  })
  const code = await main(argv, { env, stdout, stderr: { write: (text) => { err += text } } })
  return { code, out: Buffer.concat(chunks).toString(), err }
}
