import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { EXAMPLE_LAKES } from './sample-data/example-lakes.js'

// Writes the files of the lakes in examples/. Their schemas and READMEs are not generated.
for (const [name, files] of Object.entries(EXAMPLE_LAKES)) {
  const folder = `examples/${name}/lake/source_data`
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const file of files()) writeFileSync(`${folder}/${file.name}`, file.body)
}
