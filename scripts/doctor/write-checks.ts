import { isConditionMet, raceWrites, WRITERS } from '../../lib/store/check-writes.js'
import type { ObjectStore } from '../../lib/store/object-store.js'
import { attempt, no, yes, type Finding } from './finding.js'
import { checkRanges } from './range-check.js'

/** What the checks that write objects have found. */
export interface WriteFindings {
  /** That an object could be written. */
  readonly put: Finding
  /** One writer: a write takes effect only if its condition is met. */
  readonly conditional: Finding
  /** Concurrent writers: of those with the same condition, exactly one succeeds. */
  readonly atomic: Finding
  /** Whether HEAD and GET return what was just written. */
  readonly current: Finding
  readonly ranges: Finding
  readonly ifNoneMatch: Finding
  readonly unusualKeys: Finding
}

const ROUNDS = 4
const VERSIONS = 20
/** Keys that are damaged if a layer decodes twice, does not escape XML or treats them as paths. */
const UNUSUAL_NAMES = ['a b', 'a+b', 'a%20b', 'what?', 'a#b', 'a&amp;b', '"quoted"', '<tag>', 'zażółć', '日本語', '😀']

const bytes = (content: string) => Buffer.from(content)

/** Writes objects through a store, and remembers their keys, so that they can be removed. */
export class Scratch {
  readonly keys = new Set<string>()
  readonly #store: ObjectStore
  readonly #prefix: string

  /** @param prefix ends in a slash; no other object has it */
  constructor (store: ObjectStore, prefix: string) {
    this.#store = store
    this.#prefix = prefix
  }

  keyOf (name: string): string {
    return this.#prefix + name
  }

  async put (name: string, content: string, ifMatch?: string | null): Promise<string> {
    const key = this.keyOf(name)
    this.keys.add(key)
    const { etag } = await this.#store.put(key, bytes(content), ifMatch === undefined ? {} : { ifMatch })
    return etag
  }
}

/** Checks that objects can be written as the service does, and read as soon as they are written. If the first write fails, that is the only finding: the others would fail as well. */
export async function checkWrites (store: ObjectStore, scratch: Scratch): Promise<WriteFindings | Finding> {
  const put = await attempt(async () => {
    await scratch.put('object', 'content')
    return yes()
  })
  if (put.verdict !== 'yes') return put
  return {
    put,
    conditional: await attempt(async () => await checkConditions(scratch)),
    atomic: await attempt(async () => await checkRaces(store, scratch)),
    current: await attempt(async () => await checkCurrent(store, scratch)),
    ranges: await attempt(async () => {
      await scratch.put('range', '0123456789')
      return await checkRanges(store, scratch.keyOf('range'))
    }),
    ifNoneMatch: await attempt(async () => {
      const etag = await scratch.put('condition', 'content')
      if ((await store.head(scratch.keyOf('condition')))?.racy === true) return yes('except for files that were written in the last two seconds')
      return await store.get(scratch.keyOf('condition'), { ifNoneMatch: etag }) === 'unchanged' ? yes() : no('an unchanged object is sent again')
    }),
    unusualKeys: await attempt(async () => {
      for (const name of UNUSUAL_NAMES) {
        await scratch.put(name, name)
        const found = await store.get(scratch.keyOf(name))
        if (typeof found !== 'object' || String(found.body) !== name) return no(`the object ${JSON.stringify(name)} cannot be read under its key`)
      }
      return yes()
    })
  }
}

async function checkConditions (scratch: Scratch): Promise<Finding> {
  const one = await scratch.put('conditional', 'one', null)
  if (await isConditionMet(scratch.put('conditional', 'two', null))) return no('If-None-Match is ignored: an existing object was replaced')
  await scratch.put('conditional', 'three', one)
  if (await isConditionMet(scratch.put('conditional', 'four', one))) return no('If-Match is ignored: a newer object was replaced')
  if (await isConditionMet(scratch.put('conditional, missing', 'five', one))) return no('If-Match is ignored: a missing object was created')
  return yes()
}

async function checkRaces (store: ObjectStore, scratch: Scratch): Promise<Finding> {
  let expected: string | null = null
  for (let round = 1; round <= ROUNDS; round++) {
    const bodies = Array.from({ length: WRITERS }, (_, writer) => `round ${round}, writer ${writer}`)
    scratch.keys.add(scratch.keyOf('race'))
    const { winners, losses } = await raceWrites(store, scratch.keyOf('race'), expected, bodies)
    const failure = losses.find(({ code }) => code !== 'precondition_failed')
    if (failure !== undefined) throw failure
    if (winners.length !== 1) return no(`${winners.length} of ${WRITERS} concurrent writers succeeded where one should`)
    const found = await store.get(scratch.keyOf('race'))
    if (typeof found !== 'object' || String(found.body) !== winners[0]!.body) return no('the object is not what the successful writer wrote')
    expected = found.etag
  }
  return yes(`${ROUNDS} rounds of ${WRITERS} concurrent writers`)
}

/** Whether a new version of the same size is seen at once, by its ETag. */
async function checkCurrent (store: ObjectStore, scratch: Scratch): Promise<Finding> {
  const etags = new Set<string>()
  for (let i = 10; i < 10 + VERSIONS; i++) {
    const etag = await scratch.put('version', String(i))
    etags.add(etag)
    const [head, found] = [await store.head(scratch.keyOf('version')), await store.get(scratch.keyOf('version'))]
    if (head?.etag !== etag || typeof found !== 'object' || found.etag !== etag || String(found.body) !== String(i)) return no('an earlier version was read after a write')
  }
  return etags.size === VERSIONS ? yes() : no('versions of the same size have the same ETag')
}
