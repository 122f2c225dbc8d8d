import { DAY_MS } from '../../lib/base/instant.js'
import { encodePng } from './png.js'
import { between, pick, randomOf, type Random } from './random.js'
import type { LakeFile } from './lake-files.js'

const SEED = 8

/** The files of the lakes in examples/, by the name of the lake. Their bytes are the same on every machine. */
export const EXAMPLE_LAKES: Readonly<Record<string, () => LakeFile[]>> = { devices, pets, products }

/** JSON files with ISO datetimes, numbers and booleans. Some devices have never been seen. */
function devices (): LakeFile[] {
  return recordsOf(40, (random, i) => {
    const installed = Date.UTC(2022, 0, 1) + between(random, 0, 1000 * 24 * 60) * 60_000
    const online = random() < 0.7
    const device = {
      model: pick(random, ['TH-2', 'TH-2', 'TH-3', 'GW-1', 'CAM-5']),
      kind: pick(random, ['sensor', 'sensor', 'gateway', 'camera']),
      temperature: random() < 0.2 ? null : between(random, -120, 450) / 10,
      battery: between(random, 0, 100),
      online,
      installed_at: new Date(installed).toISOString(),
      last_seen: !online && random() < 0.4 ? null : new Date(installed + between(random, 1, 500 * 24 * 60) * 60_000).toISOString(),
      ...random() < 0.2 && { note: pick(random, ['behind the door', 'replace in spring', 'loose cable']) }
    }
    return [{ name: `dev-${1001 + i}.json`, body: Buffer.from(JSON.stringify(device, null, 2) + '\n') }]
  })
}

/** CSV files as a German spreadsheet program writes them, with at most two images each. */
function products (): LakeFile[] {
  const nouns = ['Stuhl', 'Tisch', 'Hängeleuchte', 'Bücherregal', 'Schlüsselbrett', 'Fußmatte', 'Teekanne', 'Kerze', 'Spiegel', 'Truhe']
  const woods = ['Eiche', 'Buche', 'Nuss', 'weiß', 'grün']
  return recordsOf(36, (random, i) => {
    const sku = `A${100 + i}`
    const price = between(random, 490, 129_900)
    const [euros, cents] = [Math.floor(price / 100), price % 100]
    const listed = new Date(Date.UTC(2024, 0, 1) + between(random, 0, 700) * DAY_MS).toISOString().slice(0, 10).split('-').reverse().join('.')
    const cells = [
      `${pick(random, nouns)}, ${pick(random, woods)}`,
      pick(random, ['Möbel', 'Möbel', 'Küche', 'Dekoration']),
      `${euros >= 1000 ? `${Math.floor(euros / 1000)}.${String(euros % 1000).padStart(3, '0')}` : euros},${String(cents).padStart(2, '0')}`,
      random() < 0.15 ? 'k.A.' : `${between(random, 1, 400)},${between(random, 0, 9)}`,
      random() < 0.8 ? 'ja' : 'nein',
      listed
    ]
    const text = `Bezeichnung;Kategorie;Preis in €;Gewicht (kg);Lagernd;Gelistet am\r\n${cells.join(';')}\r\n`
    return [
      { name: `${sku}.csv`, body: toWindows1252(text) },
      ...random() < 0.8 ? [{ name: `${sku}.png`, body: tile(random) }] : [],
      ...random() < 0.4 ? [{ name: `${sku}.label.png`, body: tile(random) }] : []
    ]
  })
}

/** CSV files with a date of birth, which is missing for some pets. */
function pets (): LakeFile[] {
  const names = ['Rex', 'Mina', 'Balu', 'Luna', 'Pepper', 'Miso', 'Zoë', 'Olga', 'Nando', 'Flocke']
  /** The species, each with its minimum and maximum weight in units of 0.1 kg. */
  const kinds = [['dog', 30, 400], ['dog', 30, 400], ['cat', 25, 70], ['cat', 25, 70], ['rabbit', 10, 40], ['parrot', 3, 12]] as const
  return recordsOf(40, (random, i) => {
    const name = pick(random, names)
    const born = random() < 0.1 ? '' : new Date(Date.UTC(2010, 0, 1) + between(random, 0, 15 * 365) * DAY_MS).toISOString().slice(0, 10)
    const [species, min, max] = pick(random, kinds)
    const row = [name, species, born, (between(random, min, max) / 10).toFixed(1), pick(random, ['yes', 'yes', 'no'])]
    const id = `${name.replace('ë', 'e').toLowerCase()}-${i + 1}`
    return [
      { name: `${id}.csv`, body: Buffer.from(`name,species,date of birth,weight,vaccinated\n${row.join(',')}\n`) },
      ...random() < 0.3 ? [{ name: `${id}.png`, body: tile(random) }] : []
    ]
  })
}

function recordsOf (count: number, filesOf: (random: Random, i: number) => LakeFile[]): LakeFile[] {
  return Array.from({ length: count }, (_, i) => filesOf(randomOf(SEED, i), i)).flat()
}

/** Encodes text that contains only characters of ISO-8859-1 and the euro sign. */
function toWindows1252 (text: string): Buffer {
  return Buffer.from(text.replaceAll('€', '\x80'), 'latin1')
}

/** Draws a small symmetric pattern as a PNG of 16 x 16 pixels. */
function tile (random: Random): Buffer {
  const size = 16
  const half = Array.from({ length: size * size / 2 }, () => between(random, 0, 3))
  const pixels = Uint8Array.from({ length: size * size }, (_, i) => {
    const [x, y] = [i % size, Math.floor(i / size)]
    return half[y * size / 2 + Math.min(x, size - 1 - x)]!
  })
  return encodePng({ width: size, height: size, palette: ['f4f1ea', pick(random, ['c8692c', '2f6690', '3a7d44', 'a23b4a']), pick(random, ['5b4b8a', '1f7a7a', 'b0417c']), '4b5563'], pixels })
}
