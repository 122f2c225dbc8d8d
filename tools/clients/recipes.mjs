#!/usr/bin/env node
// Runs the recipes of docs/clients.md against the service of this repository, which must be built, with the sample data: each block
// must print what the text block after it shows. Ends with: N passed, N failed, N skipped. A recipe is skipped if its tool is not there.
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { installPythonPackages, repository, requireCommand, root, run, serve, Unavailable } from './toolbox.mjs'

const installed = installPythonPackages('recipes-requirements.txt', '.venv-recipes').then(() => undefined, (error) => error)
const python = `${root}/.venv-recipes/bin/python`
const SHOW = 'import duckdb, sys; [duckdb.sql(query).show() for query in open(sys.argv[1]).read().split(";") if query.strip()]'

/** How to run a file of each language; `prepare` throws Unavailable if that is not possible here. */
const languages = {
  sh: { prepare: () => requireCommand(['curl', '--version'], 'curl'), command: (file) => ['bash', '-euo', 'pipefail', file] },
  python: { prepare: preparePython, command: (file) => [python, file] },
  sql: { prepare: preparePython, command: (file) => [python, '-c', SHOW, file] },
  r: { prepare: () => requireCommand(['Rscript', '--version'], 'R'), command: (file) => ['Rscript', file] },
  powerquery: { prepare: () => { throw new Unavailable('Excel is needed') } }
}

const recipes = readRecipes(readFileSync(`${repository}/docs/clients.md`, 'utf8'))
const counts = { passed: 0, failed: 0, skipped: 0 }
const service = await serve({ OUTPUT_FORMATS: 'csv,parquet' })
const folder = mkdtempSync(`${tmpdir()}/userlake-recipes-`)
try {
  await fetch(`${service.url}/data`, { method: 'POST' })
  symlinkSync(service.folder, `${folder}/lake`)
  for (const recipe of recipes) await check(recipe)
} finally {
  service.stop()
  rmSync(folder, { recursive: true })
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = counts.failed === 0 ? 0 : 1

/** The blocks of the section "Recipes", each with its heading and with the text block that follows it (`undefined` if none follows). */
function readRecipes (document) {
  const section = /^## Recipes$(.*?)(?=^## |$(?![^]))/ms.exec(document)[1]
  return section.split(/^### /m).slice(1).flatMap((part) => {
    const blocks = [...part.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => ({ language, text }))
    return blocks.filter(({ language }) => language !== 'text').map((block) => {
      const next = blocks[blocks.indexOf(block) + 1]
      return { title: part.slice(0, part.indexOf('\n')), ...block, expected: next?.language === 'text' ? next.text : undefined }
    })
  })
}

async function check ({ title, language, text, expected }) {
  const name = `${title} (${language})`
  try {
    const { prepare, command } = languages[language]
    await prepare()
    const file = `${folder}/recipe`
    writeFileSync(file, text.replaceAll('http://localhost:8080', service.url))
    const output = await run(command(file), folder)
    if (expected === undefined) throw new Error('no text block shows its output')
    if (withoutMargin(output) !== withoutMargin(expected)) throw new Error(`got\n${output}`)
    report('passed', name)
  } catch (error) {
    if (error instanceof Unavailable) report('skipped', `${name}: ${error.message}`)
    else report('failed', `${name}: ${error.message}`)
  }
}

/** Spaces at the ends of lines, which pandas and R print, and empty lines between tables are not shown in the document. */
function withoutMargin (text) {
  return text.split('\n').map((line) => line.trimEnd()).filter((line) => line !== '').join('\n')
}

function report (result, text) {
  counts[result]++
  console.log(`${result}: ${text}`)
}

async function preparePython () {
  const failure = await installed
  if (failure !== undefined) throw failure
}
