import { Transform, type TransformCallback } from 'node:stream'
import { inspect } from 'node:util'
import { Parser, type Result } from 'tap-parser'

/** The assertions of a test file, or of a test inside it. */
interface Counts {
  passed: number
  failed: number
  skipped: number
}

/**
 * A reporter for tap (`reporter` in .taprc): one line per test file, each failure in full, each skipped test with its reason, and a
 * last line `N passed, N failed, N skipped`, which .ci/run reads. The reporters of tap redraw the screen, which fills a log, or print every assertion.
 */
export default class TapReporter extends Transform {
  readonly #parser = new Parser()
  readonly #total: Counts

  constructor () {
    super()
    this.#total = this.#watch(this.#parser)
    this.#parser.on('bailout', (reason: string) => this.push(`Bail out! ${reason}\n`))
  }

  override _transform (chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#parser.write(chunk)
    done()
  }

  override _flush (done: TransformCallback): void {
    this.#parser.end()
    this.push(`${describe(this.#total)}\n`)
    done()
  }

  /** Counts the assertions of a parser and of its children. A test that fails without a failed assertion, by its exit code for one, counts as one failure. */
  #watch (parser: Parser): Counts {
    const total: Counts = { passed: 0, failed: 0, skipped: 0 }
    let child: Counts | undefined
    parser.on('child', (parser: Parser) => { child = this.#watch(parser) })
    parser.on('extra', (text: string) => this.push(text))
    parser.on('assert', (result: Result) => {
      const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
      if (result.closingTestPoint && child !== undefined) {
        add(counts, child)
        if (!result.ok && child.failed === 0) this.#reportFailure(result, counts)
        if (parser === this.#parser) this.push(`${nameOf(result)}: ${describe(counts)} (${seconds(result.time)} s)\n`)
        child = undefined
      } else if (result.skip || result.todo) {
        counts.skipped = 1
        this.push(`skipped: ${nameOf(result)}: ${result.skip || result.todo}\n`)
      } else if (result.ok) {
        counts.passed = 1
      } else {
        this.#reportFailure(result, counts)
      }
      add(total, counts)
    })
    return total
  }

  #reportFailure (result: Result, counts: Counts): void {
    counts.failed++
    this.push(`\nfailed: ${nameOf(result)}\n${details(result.diag)}\n`)
  }
}

function add (total: Counts, more: Counts): void {
  total.passed += more.passed
  total.failed += more.failed
  total.skipped += more.skipped
}

function describe ({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}

function nameOf ({ fullname }: Result): string {
  return fullname.replaceAll('dist-test/', '').replace(/^TAP > /, '')
}

function seconds (ms: number | null): string {
  return ((ms ?? 0) / 1000).toFixed(1)
}

function details (diag: unknown): string {
  if (diag === null || typeof diag !== 'object') return ''
  return Object.entries(diag).map(([name, value]) => {
    const text = typeof value === 'string' ? value : inspect(value, { depth: 8, breakLength: 120 })
    return text.includes('\n') ? `  ${name}:\n${text.trimEnd().replace(/^/gm, '    ')}\n` : `  ${name}: ${text}\n`
  }).join('')
}
