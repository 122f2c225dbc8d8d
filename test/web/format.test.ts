import t from 'tap'
import { countOf, formatAgo, formatFigure, formatMean, formatPercent, formatValue } from '../../web/format.js'

t.test('values are formatted by the types of their columns', async (t) => {
  const cases = [
    ['integer', false, 1234567, '1234567'],
    ['integer', true, -987822000000, '1938-09-12 21:00'],
    ['number', false, 0.1 + 0.2, '0.3'],
    ['boolean', false, false, 'no'],
    ['date', false, '2020-02-29', '2020-02-29'],
    ['datetime', false, '2024-02-03T04:05:06.700Z', '2024-02-03 04:05:06'],
    ['datetime', false, '2024-02-03T04:05:00.000Z', '2024-02-03 04:05'],
    ['string', false, '<b>', '<b>']
  ] as const
  for (const [type, isTime, value, text] of cases) t.equal(formatValue({ type, isTime }, value), text)
  t.equal(formatValue({ type: 'string', isTime: false }, null), undefined)
})

t.test('figures are rounded', async (t) => {
  t.equal(formatFigure({ type: 'number', isTime: false }, 54.359936877), '54.3599')
  t.equal(formatFigure({ type: 'integer', isTime: true }, 80296416000), '1972-07-18')
  t.equal(formatFigure({ type: 'number', isTime: false }, null), '–')
  t.equal(formatMean({ type: 'number', isTime: false }, 54.359936877), '54.4')
  t.equal(formatMean({ type: 'number', isTime: false }, 1234.56), '1,234.56')
  t.equal(formatMean({ type: 'date', isTime: false }, '2025-08-12T03:04:05.678Z'), '2025-08-12')
  t.equal(formatMean({ type: 'datetime', isTime: false }, null), '–')
  t.same([formatPercent(0, 0), formatPercent(1, 1000), formatPercent(999, 1000), formatPercent(1, 3)], ['0 %', '< 1 %', '> 99 %', '33 %'])
  t.same([countOf(1, 'record'), countOf(1_000_000, 'record')], ['1 record', '1,000,000 records'])
})

t.test('the time since an instant has one unit', async (t) => {
  t.same([1, 20, 300, 7200, 400_000].map(formatAgo), ['just now', '20 s ago', '5 min ago', '2 h ago', '5 days ago'])
})
