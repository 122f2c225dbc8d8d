/** A line of the report: a figure and, if there is one, its limit. */
export interface Row {
  readonly name: string
  /** The limit; for figures that are not measured, the reason. */
  readonly required: string
  readonly measured: string
  /** If the figure is a ratio to a reference: the CPU time of a request, and that of the same request to the reference. */
  readonly cpu?: string
  /** The ratio of the reference to itself, which is 1 on a machine that does nothing else. */
  readonly noise?: string
  readonly verdict: Verdict
}

type Verdict = 'met' | 'not met' | 'not measurable' | 'for information'

interface Figure {
  readonly name: string
  readonly value: number
  readonly unit?: string
  readonly noise?: number
  /** The CPU time of a request, in microseconds, of the service and of the reference. */
  readonly micros?: number
  readonly referenceMicros?: number
}

interface RequiredFigure extends Figure {
  readonly min?: number
  readonly max?: number
}

/** If the ratio of the reference to itself is outside this range, the machine is too busy for a measurement. */
const NOISE = { min: 0.9, max: 1.1 }

/** Collects rows, and prints each one as soon as it is known. */
export class Report {
  readonly rows: Row[] = []
  /** Ratios to nginx. They are for information only, because the speed of its `sendfile` relative to `write` differs between kernels. */
  readonly nginx: Row[] = []
  /** Other tables by name, as rows of cells. The first row is the header. */
  readonly tables: Record<string, string[][]> = {}
  readonly #print: (line: string) => void

  /** @param print default: on stderr */
  constructor (print: (line: string) => void = (line) => { process.stderr.write(line) }) {
    this.#print = print
  }

  /** Adds a figure that must be at least `min`, at most `max`, or both. */
  check ({ min, max, ...figure }: RequiredFigure): void {
    const { value, noise = 1, unit = '' } = figure
    const isMet = value >= (min ?? -Infinity) && value <= (max ?? Infinity)
    const isSteady = noise >= NOISE.min && noise <= NOISE.max
    const required = [...min === undefined ? [] : [`>= ${format(min)}${unit}`], ...max === undefined ? [] : [`<= ${format(max)}${unit}`]].join(', ')
    this.#add(this.rows, toRow(figure, required, !isSteady ? 'not measurable' : isMet ? 'met' : 'not met'))
  }

  /** Adds a figure of which nothing is required. */
  inform (figure: Figure): void {
    this.#add(this.rows, toRow(figure, '', 'for information'))
  }

  /** Adds a ratio to nginx. */
  addToNginx (figure: Figure): void {
    this.#add(this.nginx, toRow(figure, '', 'for information'), 'of nginx: ')
  }

  /** Adds a row for figures that are not measured. It has the reason in place of the limit. */
  skip (name: string, reason: string): void {
    this.#add(this.rows, { name, required: reason, measured: '', verdict: 'not measurable' })
  }

  table (name: string, rows: string[][]): void {
    this.tables[name] = rows
  }

  get isMet (): boolean {
    return this.rows.every(({ verdict }) => verdict !== 'not met')
  }

  toString (): string {
    const checked = this.rows.map(({ name, required, measured, cpu = '', noise = '', verdict }) => [name, required, measured, cpu, noise, verdict])
    const nginx = this.nginx.map(({ name, measured, cpu = '', noise = '' }) => [name, measured, cpu, noise])
    return [
      [['What', 'Required', 'Measured', 'CPU a request, and of the reference', 'Noise', 'Verdict'], ...checked],
      ...nginx.length > 0 ? [[['What', 'Ratio to nginx', 'CPU a request, and of nginx', 'Noise'], ...nginx]] : [],
      ...Object.values(this.tables)
    ].map(align).join('\n')
  }

  #add (rows: Row[], row: Row, prefix = ''): void {
    rows.push(row)
    this.#print(`${prefix}${row.name}: ${[row.measured, row.required, row.cpu, row.verdict].filter(Boolean).join(', ')}\n`)
  }
}

function toRow ({ name, value, unit = '', noise, micros, referenceMicros }: Figure, required: string, verdict: Verdict): Row {
  return {
    name,
    required,
    measured: format(value) + unit,
    ...micros !== undefined && { cpu: `${format(micros)} us, ${format(referenceMicros!)} us` },
    ...noise !== undefined && { noise: format(noise) },
    verdict
  }
}

function align (lines: readonly (readonly string[])[]): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  return lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd()).join('\n') + '\n'
}

/** Formats a number with three significant digits, or as an integer from 100 on. */
function format (value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : Number(value.toPrecision(3)).toString()
}
