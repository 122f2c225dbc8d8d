import { needsServers, SECTIONS, type Row } from './rows.js'

/** The result of the tests of a row, without those that were left out. */
export type Result = 'passed' | 'failed'

const INTRODUCTION = `# Faults

What can go wrong, what then happens, and the test that proves it. \`npm run faults\` runs these tests and writes this page; \`npm test\` runs them, too, and checks that
the page is up to date. Both leave out the tests in \`test/real/\`, which need real servers; \`npm run faults\` runs them if there are servers, and CI runs them. Other tests in
\`test/real/\`, and \`npm run lab\` (see [CONTRIBUTING](../CONTRIBUTING.md)), repeat many of the faults on real servers and for longer.
`

/** The content of docs/faults.md. */
export function toMarkdown (resultOf: (row: Row) => Result): string {
  const sections = SECTIONS.filter(({ rows }) => rows.length > 0)
  return [INTRODUCTION, ...sections.map(({ title, rows }) => `## ${title}\n\n| Fault | What happens | Test | Result |\n| --- | --- | --- | --- |\n${rows.map((row) => toLine(row, resultOf)).join('')}`)].join('\n')
}

function toLine (row: Row, resultOf: (row: Row) => Result): string {
  const [tests, result] = 'skipped' in row ? ['', `not tested: ${row.skipped}`] : [row.tests.map(([file, name]) => `[${baseName(file)}](../${file}): ${name}`).join('<br>'), textOf(resultOf(row), row.tests.some(needsServers))]
  return `| ${row.fault} | ${row.guarantee} | ${tests} | ${result} |\n`
}

/** The text of a result. If a row has tests on real servers, it is the same whether or not they were run, so that the page does not depend on the machine that writes it. */
function textOf (result: Result, isOnServers: boolean): string {
  return result === 'passed' && isOnServers ? 'CI runs it' : result
}

function baseName (file: string): string {
  return file.slice(file.lastIndexOf('/') + 1)
}
