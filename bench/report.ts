/** One measured figure, and the bar that it has to meet, if there is one. */
export interface Row {
  readonly name: string
  readonly bar: string
  readonly measured: string
  /** CPU time of a request and of the same request to the reference, if the figure is a ratio of these. */
  readonly cpu?: string
  /** The reference compared with itself. */
  readonly noise?: string
  readonly verdict: Verdict
}

type Verdict = 'met' | 'not met' | 'not measurable' | 'for information'

interface Figure {
  readonly name: string
  readonly value: number
  readonly unit?: string
  readonly noise?: number
  /** CPU time of a request, in microseconds, and that of the reference. */
  readonly micros?: number
  readonly referenceMicros?: number
}

interface Bar extends Figure {
  readonly min?: number
  readonly max?: number
}

/** If the reference differs from itself by more, the machine is too busy to measure anything. */
const NOISE = { min: 0.9, max: 1.1 }

/** Collects rows, and prints each on stderr as soon as it is known. */
export class Report {
  readonly rows: Row[] = []
  /** Ratios to nginx, for information: the speed of its `sendfile` relative to `write` differs between kernels. */
  readonly nginx: Row[] = []
  /** Further tables by name: rows of cells, the first row is the head. */
  readonly tables: Record<string, string[][]> = {}

  /** A figure that has to be at least `min`, at most `max`, or both. */
  check ({ min, max, ...figure }: Bar): void {
    const { value, noise = 1, unit = '' } = figure
    const isMet = value >= (min ?? -Infinity) && value <= (max ?? Infinity)
    const isSteady = noise >= NOISE.min && noise <= NOISE.max
    const bar = min === undefined ? `<= ${format(max!)}${unit}` : `>= ${format(min)}${unit}`
    this.#add(this.rows, toRow(figure, bar, !isSteady ? 'not measurable' : isMet ? 'met' : 'not met'))
  }

  /** A figure without a bar. */
  inform (figure: Figure): void {
    this.#add(this.rows, toRow(figure, '', 'for information'))
  }

  /** A ratio to nginx. */
  addToNginx (figure: Figure): void {
    this.#add(this.nginx, toRow(figure, '', 'for information'), 'of nginx: ')
  }

  skip (name: string, reason: string): void {
    this.#add(this.rows, { name, bar: reason, measured: '', verdict: 'not measurable' })
  }

  table (name: string, rows: string[][]): void {
    this.tables[name] = rows
  }

  get isMet (): boolean {
    return this.rows.every(({ verdict }) => verdict !== 'not met')
  }

  toString (): string {
    const bars = this.rows.map(({ name, bar, measured, cpu = '', noise = '', verdict }) => [name, bar, measured, cpu, noise, verdict])
    const nginx = this.nginx.map(({ name, measured, cpu = '', noise = '' }) => [name, measured, cpu, noise])
    return [
      [['What', 'Bar', 'Measured', 'CPU a request, and of the reference', 'Noise', 'Verdict'], ...bars],
      ...nginx.length > 0 ? [[['What', 'Ratio to nginx', 'CPU a request, and of nginx', 'Noise'], ...nginx]] : [],
      ...Object.values(this.tables)
    ].map(align).join('\n')
  }

  #add (rows: Row[], row: Row, prefix = ''): void {
    rows.push(row)
    process.stderr.write(`${prefix}${row.name}: ${[row.measured, row.bar, row.cpu, row.verdict].filter(Boolean).join(', ')}\n`)
  }
}

function toRow ({ name, value, unit = '', noise, micros, referenceMicros }: Figure, bar: string, verdict: Verdict): Row {
  return {
    name,
    bar,
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

/** Three significant digits. */
function format (value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : Number(value.toPrecision(3)).toString()
}
