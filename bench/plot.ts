/** A line of a plot; its points are in ascending order of x. */
export interface Series { readonly name: string, readonly points: readonly (readonly [x: number, y: number])[] }

const [WIDTH, HEIGHT] = [860, 460]
const FRAME = { left: 60, top: 20, right: 560, bottom: 410 }
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000']

/** Returns an SVG drawing of lines with two logarithmic axes. All values must be positive. */
export function plot (series: readonly Series[], names: { readonly x: string, readonly y: string }): string {
  const all = series.flatMap(({ points }) => points)
  const x = axis(all.map(([x]) => x), FRAME.left, FRAME.right)
  const y = axis(all.map(([, y]) => y), FRAME.bottom, FRAME.top)
  const lines = series.map(({ name, points }, i) => {
    const colour = COLOURS[i % COLOURS.length]
    const path = points.map(([px, py]) => `${x.at(px)},${y.at(py)}`).join(' ')
    const dots = points.map(([px, py]) => `<circle cx="${x.at(px)}" cy="${y.at(py)}" r="3" fill="${colour}"/>`).join('')
    const top = FRAME.top + 12 + 22 * i
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots}` +
      `<line x1="${FRAME.right + 20}" y1="${top}" x2="${FRAME.right + 44}" y2="${top}" stroke="${colour}" stroke-width="2"/>` +
      `<text x="${FRAME.right + 50}" y="${top + 4}">${escape(name)}</text>`
  })
  const grid = [
    ...x.ticks.map((tick) => `<line x1="${x.at(tick)}" y1="${FRAME.top}" x2="${x.at(tick)}" y2="${FRAME.bottom}" stroke="#ddd"/><text x="${x.at(tick)}" y="${FRAME.bottom + 18}" text-anchor="middle">${label(tick)}</text>`),
    ...y.ticks.map((tick) => `<line x1="${FRAME.left}" y1="${y.at(tick)}" x2="${FRAME.right}" y2="${y.at(tick)}" stroke="#ddd"/><text x="${FRAME.left - 6}" y="${y.at(tick) + 4}" text-anchor="end">${label(tick)}</text>`)
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
${[...grid, ...lines].join('\n')}
<text x="${(FRAME.left + FRAME.right) / 2}" y="${HEIGHT - 12}" text-anchor="middle">${escape(names.x)}</text>
<text x="14" y="${(FRAME.top + FRAME.bottom) / 2}" text-anchor="middle" transform="rotate(-90 14 ${(FRAME.top + FRAME.bottom) / 2})">${escape(names.y)}</text>
</svg>
`
}

/**
 * A logarithmic axis from position `from` to position `to`. The ticks are powers of ten, from the greatest that is not above any value to the
 * least that is not below any value.
 */
function axis (values: readonly number[], from: number, to: number) {
  const [low, high] = [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(...values)))]
  return {
    at: (value: number) => Number((from + (Math.log10(value) - low) / (high - low) * (to - from)).toFixed(1)),
    ticks: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i))
  }
}

function label (tick: number): string {
  return tick >= 1 ? tick.toLocaleString('en') : String(Number(tick.toPrecision(1)))
}

function escape (text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
