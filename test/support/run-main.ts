import type { CommandIo } from '../../scripts/command.js'

type Main = (argv: readonly string[], io: CommandIo) => Promise<number>

/** Runs a command in this process, without a terminal, and returns what it wrote. */
export async function runMain (main: Main, argv: readonly string[], env: CommandIo['env'] = {}) {
  const written = { out: '', err: '' }
  const code = await main(argv, {
    env,
    stdout: { write: text => { written.out += text } },
    stderr: { write: text => { written.err += text } }
  })
  return { code, ...written }
}
