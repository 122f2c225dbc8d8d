/** A bar of the product, and what was measured. */
export interface Row {
  readonly name: string
  readonly bar: string
  readonly measured: string
  readonly verdict: 'met' | 'not met' | 'not measurable' | 'for information'
  /** The reference against itself, where there is one. */
  readonly control?: string
}

interface Bar {
  readonly name: string
  readonly value: number
  /** `at least` or `at most` this. */
  readonly least?: number
  readonly most?: number
  readonly unit?: string
  readonly control?: number
  /** CPU time of a request, in microseconds, and that of the reference. */
  readonly micros?: number
  readonly referenceMicros?: number
}

/** Where the reference differs from itself by more, nothing can be said. */
const CONTROL = { least: 0.9, most: 1.1 }

/** Collects rows, and tells each as soon as it is known. */
export class Report {
  readonly rows: Row[] = []
  /** Further tables by name: rows of cells, the first of them the head. */
  readonly tables: Record<string, string[][]> = {}

  check ({ name, value, least, most, unit = '', control, micros, referenceMicros }: Bar): void {
    const holds = value >= (least ?? -Infinity) && value <= (most ?? Infinity)
    const isSteady = control === undefined || (control >= CONTROL.least && control <= CONTROL.most)
    this.#add({
      name,
      bar: least === undefined ? `<= ${figure(most!)}${unit}` : `>= ${figure(least)}${unit}`,
      measured: figure(value) + unit + (micros === undefined ? '' : ` (${figure(micros)} us for ${figure(referenceMicros!)})`),
      verdict: isSteady ? holds ? 'met' : 'not met' : 'not measurable',
      ...control !== undefined && { control: figure(control) }
    })
  }

  /** A figure without a bar. */
  tell (name: string, value: number, unit = ''): void {
    this.#add({ name, bar: '', measured: figure(value) + unit, verdict: 'for information' })
  }

  skip (name: string, why: string): void {
    this.#add({ name, bar: why, measured: '', verdict: 'not measurable' })
  }

  table (name: string, rows: string[][]): void {
    this.tables[name] = rows
  }

  get isMet (): boolean {
    return this.rows.every(({ verdict }) => verdict !== 'not met')
  }

  toString (): string {
    const lines = [['What', 'Bar', 'Measured', 'Control', 'Verdict'], ...this.rows.map(({ name, bar, measured, control = '', verdict }) => [name, bar, measured, control, verdict])]
    return [lines, ...Object.values(this.tables)].map(align).join('\n')
  }

  #add (row: Row): void {
    this.rows.push(row)
    process.stderr.write(`${row.name}: ${row.measured} ${row.bar && `(${row.bar})`} ${row.verdict}${row.control === undefined ? '' : `, control ${row.control}`}\n`)
  }
}

function align (lines: readonly (readonly string[])[]): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  return lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd()).join('\n') + '\n'
}

/** Three digits that count. */
function figure (value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : Number(value.toPrecision(3)).toString()
}
