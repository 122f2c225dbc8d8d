import { byId, element } from './dom.js'
import { countOf } from './format.js'
import type { Field, Quarantine, Schema } from './types.js'

/** Shows what to do if the lake has no records: it is empty, or no file fits the schema. */
export function showGuide (schema: Schema, { counts, entries, ignored }: Quarantine): void {
  const key = schema.fields.find(({ source }) => source === 'key')!
  const fields = schema.fields.filter(({ source }) => source === undefined)
  const images = schema.fields.some(({ source }) => source === 'image')
  const files = counts.rejects + counts.ignored + counts.orphans
  const title = files === 0 ? 'The lake is empty' : 'No file of the lake fits yet'
  const first = entries[0]
  const reason = counts.rejects > 0 && first !== undefined
    ? `${countOf(counts.rejects, 'file')} ${counts.rejects === 1 ? 'is' : 'are'} rejected; the quarantine below shows why. The first one is ${first.key}: ${first.detail}${first.hint === null ? '' : `. ${first.hint}`}`
    : ignored[0] !== undefined
      ? `The lake has ${countOf(counts.ignored, 'object')} that ${counts.ignored === 1 ? 'is' : 'are'} neither an info file nor an image, such as ${ignored[0].example}.`
      : 'Userlake shows one record for each info file: a small file with a header and one row.'
  byId('guide').replaceChildren(
    element('h2', {}, title),
    element('p', {}, reason),
    element('ol', {},
      element('li', {}, 'Make a file with these columns; more columns are kept as text:', element('pre', { tabindex: 0, 'aria-label': 'An info file' }, exampleFile(fields))),
      element('li', {}, 'Save it as ', element('code', {}, `source_data/<${key.name}>.csv`), ' in the lake', images ? ', and perhaps an image of the same name beside it' : '', ' (unless the settings name another folder).'),
      element('li', {}, 'The record appears here within seconds.')),
    element('p', {}, 'Other columns? Declare them in a schema: ', element('code', {}, 'userlake schema'), ' writes one from your files.'))
}

/** The header of an info file, and a row with examples. */
function exampleFile (fields: readonly Field[]): string {
  const header = fields.map(({ name, header }) => typeof header === 'string' ? header : header?.[0] ?? name)
  return `${header.map(cell).join(',')}\n${fields.map((field) => cell(exampleOf(field))).join(',')}`
}

const EXAMPLES = { string: 'text', integer: '42', number: '1.5', boolean: 'true', date: '2001-05-17', datetime: '2001-05-17T12:00:00Z' } as const

function exampleOf ({ type, example, constraints }: Field): string {
  return String(example ?? constraints?.enum?.[0] ?? EXAMPLES[type])
}

function cell (text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
