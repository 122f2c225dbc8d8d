import { drawAvatar } from '../scripts/sample-data/avatar.js'
import { personAt } from '../scripts/sample-data/person.js'
import { randomOf } from '../scripts/sample-data/random.js'

/** The share of users with a picture. */
const IMAGES = 0.92

/** The objects of a lake of made-up users: real info files, and one and the same picture, which is only listed. */
export function * lakeObjects (users: number): Generator<readonly [key: string, body: Buffer]> {
  const picture = drawAvatar(randomOf(1, 0))
  for (let i = 0; i < users; i++) {
    const { id, firstName, lastName, birthts } = personAt(1, i)
    const field = (text: string) => /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
    yield [`source_data/${id}.csv`, Buffer.from(`first_name, last_name, birthts\n${field(firstName)}, ${field(lastName)}, ${birthts}\n`)]
    if (Math.round((i + 1) * IMAGES) > Math.round(i * IMAGES)) yield [`source_data/${id}.png`, picture]
  }
}
