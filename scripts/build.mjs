// What npm runs before its scripts: compiles what has changed if TypeScript is installed. A package or a production installation has no sources or no
// compiler, and runs what was built before.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const built = 'dist/scripts/userlake.js'

build()
if (!existsSync(join(root, built))) {
  process.stderr.write(`userlake: ${built} does not exist: run npm ci && npm run build\n`)
  process.exit(1)
}

function build () {
  if (!existsSync(join(root, 'tsconfig.build.json'))) return
  let compiler
  try {
    compiler = createRequire(join(root, 'package.json')).resolve('typescript/bin/tsc')
  } catch {
    return
  }
  const { status } = spawnSync(process.execPath, [compiler, '-b', join(root, 'tsconfig.build.json')], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
