import { Api, ApiError, messageOf } from './api.js'
import { showColumnPicker } from './column-picker.js'
import { columnsOf, type Column, type Columns } from './columns.js'
import { rangeOf, withoutRange, withRange } from './conditions.js'
import { byId, debounce, setItems, setOptions, setText } from './dom.js'
import { Exports } from './exports.js'
import { showFigures } from './figures.js'
import { Filters } from './filters.js'
import { countOf } from './format.js'
import { Freshness } from './freshness.js'
import { findGroupColumn, withoutGroups } from './group-column.js'
import { MAX_GROUPS, MAX_LISTED_GROUPS, showGroups } from './groups.js'
import { showGuide } from './guide.js'
import { Histogram } from './histogram.js'
import { Images } from './images.js'
import { Jobs } from './jobs.js'
import { Problems } from './problems.js'
import { QuarantineList } from './quarantine.js'
import { entriesOf, parseQuery, parseView, toFragment, toSearch, withFilter, withNextSort, withoutFilter, withParameter, type Query, type View } from './query-state.js'
import { RecordDialog } from './record-dialog.js'
import { SignIn } from './sign-in.js'
import { readGroups, readStatistics } from './statistics.js'
import { Table } from './table.js'
import type { Schema } from './types.js'
import { describeUnknown, withKnownColumns } from './unknown-columns.js'

// The page: one URL, which is its state, and the parts that show it.

/** Milliseconds without another change after which the page reads the data again. */
const CALM_MS = 400
/** Milliseconds after which a service without data is asked again. */
const RETRY_MS = 2000

const api = new Api()
const images = new Images(api)
let schema: Schema
let columns: Columns | undefined
let query = parseQuery(location.search)
let view = parseView(location.hash)
/** Counts the times that the charts were shown, so that late responses are ignored. */
let turn = 0

/** Whether the changes of the data are followed. */
let isFollowing = false

const signIn = new SignIn(api, () => {
  images.clear()
  isFollowing = false
  load()
})
api.onUnauthorized = (error) => signIn.ask(error)

const table = new Table({
  api,
  images,
  onSort: (column) => navigate(withNextSort(query, column)),
  onOpen: (record) => navigate(query, { ...view, record }),
  onClear: clearFilters,
  onRead: (error) => {
    showProblem('table-scroller', error)
    // Downloads and copied queries would have the same error.
    byId('exports').hidden = error !== undefined
  }
})
const dialog = new RecordDialog({
  api,
  images,
  onClose: () => {
    const { record, ...others } = view
    if (record !== undefined) navigate(query, others)
  },
  onStep: (step) => {
    const record = view.record === undefined ? undefined : table.neighbour(view.record, step)
    if (record !== undefined) navigate(query, { ...view, record }, 'replace')
  }
})
const problems = new Problems(clearFilters)
const filters = new Filters({
  onAdd: (filter) => navigate(withFilter(query, filter)),
  onRemove: (filter) => navigate(withoutFilter(query, filter)),
  onClear: clearFilters,
  onSearch: (words, isMore) => navigate(withParameter(query, 'q', words), view, isMore ? 'replace' : 'push')
})
const histogram = new Histogram((column, selected) => navigate(withRange(query, column, selected)))
const exports = new Exports(api)
const quarantine = new QuarantineList(api)
const changed = debounce(CALM_MS, () => { load({ isRefresh: true }) })
const jobs = new Jobs(api, changed)
const freshness = new Freshness(api, changed)

function clearFilters (): void {
  navigate({ ...query, filters: [] })
}

/** Shows another query or view, and adds it to the history. */
function navigate (nextQuery: Query, nextView: View = view, how: 'push' | 'replace' = 'push'): void {
  const url = location.pathname + toSearch(entriesOf(nextQuery)) + toFragment(nextView)
  if (how === 'push') history.pushState(null, '', url)
  else history.replaceState(null, '', url)
  showUrl()
}

/** Shows the query and the view of the URL. */
function showUrl (): void {
  const before = { search: toSearch(entriesOf(query)), view }
  query = parseQuery(location.search)
  view = parseView(location.hash)
  if (columns === undefined) return
  leaveOutUnknown(columns)
  if (toSearch(entriesOf(query)) !== before.search) show()
  else if (view.chart !== before.view.chart || view.group !== before.view.group) showCharts()
  if (view.record !== before.view.record) showRecord()
}

addEventListener('popstate', showUrl)

/** Removes from the query what the lake does not have, and shows a notice about it. All links that are made from now on lack it as well. */
function leaveOutUnknown (columns: Columns): void {
  const asked = parseQuery(location.search)
  query = withKnownColumns(asked, columns)
  setItems(byId('notices'), describeUnknown(asked, view, columns))
}

/** Shows the error of a part in the message above all parts. `part`: the id of its element, which is hidden while it has an error. */
function showProblem (part: string, error: unknown): void {
  byId(part).hidden = error !== undefined
  problems.set(part, error, query.filters.length > 0)
}

/** Reads the schema, then shows everything. A refresh keeps the place in the table. */
async function load ({ isRefresh = false } = {}): Promise<void> {
  try {
    schema = await api.get<Schema>('schema')
  } catch (error) {
    problems.set('schema', error, false)
    // 503: the service has no data yet. 0: it cannot be reached. Without a valid key (401), the sign-in dialog is open, and calls `load` afterwards.
    if (error instanceof ApiError && (error.status === 503 || error.status === 0)) setTimeout(load, RETRY_MS)
    return
  }
  problems.set('schema', undefined, false)
  columns = columnsOf(schema)
  leaveOutUnknown(columns)
  const title = schema.title ?? 'Records'
  setText(byId('title'), title)
  setText(byId('description'), schema.description ?? '')
  document.title = `${title} – Userlake`
  filters.setColumns(columns)
  show({ isRefresh })
  if (!isRefresh) showRecord()
  if (!isFollowing) freshness.start()
  isFollowing = true
  attempt(jobs.show(), () => true, 'jobs')
}

function show ({ isRefresh = false } = {}): void {
  filters.show(query)
  exports.show(query, columns!)
  showColumnPicker(query, columns!, (names) => {
    const { columns: _, ...others } = query
    navigate({ ...others, ...names && { columns: names } })
  })
  showCharts()
  byId('changed').hidden = true
  if (!isRefresh) table.show(query, columns!)
  else if (table.isAtTop) showCurrentRecords()
  // Records are not moved from under the reader.
  else byId('changed').hidden = false
}

/** Shows the records of the current data again. Their images may have been replaced. */
function showCurrentRecords (): void {
  images.clear()
  table.show(query, columns!)
}

byId('changed').addEventListener('click', () => {
  byId('changed').hidden = true
  showCurrentRecords()
})

/** The column of which all groups are shown. */
let expandedGroup: string | undefined
let foundGroup: { readonly columns: readonly string[], readonly name: string | undefined } | undefined

/** The column that is grouped unless the view names one. It stays the same until the columns change. */
async function defaultGroup ({ groupable, ...others }: Columns): Promise<Column | undefined> {
  const names = groupable.map(({ name }) => name)
  if (foundGroup === undefined || foundGroup.columns.join('\n') !== names.join('\n')) {
    const found = await findGroupColumn({ groupable, ...others }, async (column) => await readGroups(api, [], column, MAX_GROUPS)).catch(() => groupable[0])
    foundGroup = { columns: names, name: found?.name }
  }
  return groupable.find(({ name }) => name === foundGroup!.name)
}

/** Shows the figures, the histogram and the groups. */
async function showCharts (): Promise<void> {
  const current = ++turn
  const isCurrent = () => current === turn
  const { numeric, groupable } = columns!
  const chart = numeric.find(({ name }) => name === view.chart) ?? numeric[0]
  if (chart === undefined) byId('histogram').hidden = true
  if (groupable.length === 0) byId('group-section').hidden = true
  setOptions(byId('chart-column'), numeric.map(({ name, title }) => [name, title]), chart?.name)
  byId('main').ariaBusy = 'true'
  const results = await Promise.all([
    attempt(showTotals(chart, isCurrent), isCurrent, 'figures'),
    chart === undefined ? undefined : attempt(showHistogram(chart, isCurrent), isCurrent, 'histogram'),
    groupable.length === 0 ? undefined : attempt(showGroupBars(chart, isCurrent), isCurrent, 'group-section')
  ])
  if (!isCurrent()) return
  await attempt(showQuarantine(results[0]?.count === 0 && query.filters.length === 0, isCurrent), isCurrent, 'quarantine')
  if (isCurrent()) byId('main').ariaBusy = null
}

async function showTotals (chart: Column | undefined, isCurrent: () => boolean): Promise<{ readonly count: number } | undefined> {
  const [statistics, all] = await Promise.all([
    readStatistics(api, query.filters, chart),
    query.filters.length === 0 ? undefined : readStatistics(api, [], undefined)
  ])
  if (!isCurrent()) return undefined
  showFigures(statistics, chart, all?.count)
  setText(byId('count-announcement'), countOf(statistics.count, 'record'))
  return statistics
}

async function showHistogram (chart: Column, isCurrent: () => boolean): Promise<void> {
  const range = rangeOf(query, chart)
  // The bars show what other ranges would select. The second request is that of `showTotals`, too: the API sends it once for both.
  const [all, { count }] = await Promise.all([readStatistics(api, withoutRange(query, chart).filters, chart), readStatistics(api, query.filters, chart)])
  if (isCurrent()) histogram.show(chart, all, range && { range, count })
}

async function showGroupBars (chart: Column | undefined, isCurrent: () => boolean): Promise<void> {
  const { groupable } = columns!
  const group = groupable.find(({ name }) => name === view.group) ?? await defaultGroup(columns!)
  if (group === undefined || !isCurrent()) return
  setOptions(byId('group-column'), groupable.map(({ name, title }) => [name, title]), group.name)
  const isExpanded = expandedGroup === group.name
  const statistics = await readGroups(api, withoutGroups(query, group), group, isExpanded ? MAX_LISTED_GROUPS : MAX_GROUPS, chart)
  if (!isCurrent()) return
  showGroups(group, chart, statistics, query, {
    onToggle: (filter, isSet) => navigate(isSet ? withoutFilter(query, filter) : withFilter(query, filter)),
    onMore: isExpanded
      ? undefined
      : async () => {
        expandedGroup = group.name
        await attempt(showGroupBars(chart, isCurrent), isCurrent, 'group-section')
        byId('groups').querySelectorAll('button')[MAX_GROUPS]?.focus()
      }
  })
}

async function showQuarantine (isEmpty: boolean, isCurrent: () => boolean): Promise<void> {
  const content = await quarantine.show()
  if (!isCurrent()) return
  byId('guide').hidden = !isEmpty
  for (const id of ['charts', 'records']) byId(id).hidden = isEmpty
  if (isEmpty) showGuide(schema, content)
}

/** Waits for a part of the page. If it fails, the part is hidden, and the message above the page shows why. */
async function attempt<T> (reading: Promise<T>, isCurrent: () => boolean, part: string): Promise<T | undefined> {
  try {
    const result = await reading
    if (isCurrent()) showProblem(part, undefined)
    return result
  } catch (error) {
    if (isCurrent()) showProblem(part, error)
    return undefined
  }
}

function showRecord (): void {
  const asOf = query.filters.filter(([name]) => name === 'as_of')
  dialog.show(view.record, columns!, asOf).catch((error) => setText(byId('record-content'), messageOf(error)))
}

for (const part of ['chart', 'group']) {
  byId(`${part}-column`).addEventListener('change', ({ target }) => navigate(query, { ...view, [part]: (target as HTMLSelectElement).value }))
}
for (const close of document.querySelectorAll('dialog .close')) close.addEventListener('click', () => close.closest('dialog')!.close())

load()
