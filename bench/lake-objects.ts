import { drawAvatar } from '../scripts/sample-data/avatar.js'
import { personAt } from '../scripts/sample-data/person.js'
import { randomOf } from '../scripts/sample-data/random.js'

/** The share of records with an image. */
const IMAGES = 0.92

/** Yields the objects of a lake of generated users. Info files are realistic; all images have the same content, because they are only listed. */
export function * lakeObjects (records: number): Generator<readonly [key: string, body: Buffer]> {
  const image = drawAvatar(randomOf(1, 0))
  for (let i = 0; i < records; i++) {
    const { id, firstName, lastName, birthts } = personAt(1, i)
    const field = (text: string) => /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
    yield [`source_data/${id}.csv`, Buffer.from(`first_name, last_name, birthts\n${field(firstName)}, ${field(lastName)}, ${birthts}\n`)]
    if (Math.round((i + 1) * IMAGES) > Math.round(i * IMAGES)) yield [`source_data/${id}.png`, image]
  }
}
