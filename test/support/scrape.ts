import type { FastifyInstance } from 'fastify'

/** A scrape of `GET /metrics`: the values by their series, as the text has them: `name{label="value"}`. */
export class Scrape {
  readonly text: string
  readonly #values: ReadonlyMap<string, number>

  constructor (text: string) {
    this.text = text
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    this.#values = new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]))
  }

  get (series: string): number | undefined {
    return this.#values.get(series)
  }

  /** The series whose text begins like this. */
  series (start = ''): string[] {
    return [...this.#values.keys()].filter((series) => series.startsWith(start))
  }

  /** The names of all series, of buckets, sums and counts as well. */
  get names (): ReadonlySet<string> {
    return new Set(this.series().map((series) => series.replace(/\{.*/, '')))
  }
}

export async function scrape (app: FastifyInstance): Promise<Scrape> {
  return new Scrape((await app.inject('/metrics')).body)
}
