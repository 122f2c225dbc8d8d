import { createClient, ClickHouseLogLevel, type ClickHouseClient, type Row } from '@clickhouse/client'
import { EngineError } from '../base/errors.js'
import type { EngineOperation } from '../base/events.js'
import { toEngineError } from './engine-error.js'
import { beginOperation } from './measure.js'
import { SETTINGS } from './settings.js'
import { identifier, quoteName, render, sql, text, type Sql } from './sql.js'

export interface EngineOptions {
  /** The HTTP URLs of all nodes of the cluster, without credentials. Queries go to the first one. */
  readonly urls: readonly string[]
  /** The name of the cluster in the configuration of the nodes (`remote_servers`). */
  readonly cluster: string
  readonly database: string
  /** Default: `default`, without a password. */
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** The longest time of a query, in milliseconds. Default: a minute. */
  readonly timeoutMs?: number | undefined
}

/** Milliseconds by which the client waits longer than the engine may work: the error that the engine reports at its own limit is more specific than that of the client. */
const GRACE_MS = 5000
const DEFAULT_TIMEOUT_MS = 60_000

/** What ends a query before all of its rows have been read. */
export interface StreamOptions {
  /** Ends the query. */
  readonly signal?: AbortSignal | undefined
  /** The longest time of the query, in milliseconds, which includes the time in which the caller does not read. Default: that of the connection. */
  readonly timeoutMs?: number | undefined
}

/** A server of the cluster, which holds the tables of one shard. */
interface Node { readonly url: string, readonly client: ClickHouseClient }

/** The connections to the nodes of a ClickHouse cluster. Every error is an `EngineError`. */
export class Connection {
  readonly cluster: string
  readonly database: string
  readonly #nodes: readonly Node[]
  /** The nodes in the order of the shards. */
  readonly #shards: readonly Node[]

  private constructor ({ cluster, database }: EngineOptions, nodes: readonly Node[], shards: readonly Node[]) {
    this.cluster = cluster
    this.database = database
    this.#nodes = nodes
    this.#shards = shards
  }

  /** Connects to the nodes, and checks that they are exactly the shards of the cluster. @throws EngineError */
  static async open (options: EngineOptions): Promise<Connection> {
    const nodes = options.urls.map((url) => ({ url, client: clientOf(options, url) }))
    try {
      return new Connection(options, nodes, await findShards(nodes, options.cluster))
    } catch (error) {
      await closeAll(nodes)
      throw error
    }
  }

  /** The number of shards. */
  get shards (): number {
    return this.#shards.length
  }

  /** A table of this database in SQL. */
  table (name: string): Sql {
    return sql`${identifier(this.database)}.${identifier(name)}`
  }

  /** The rows of a query on the whole cluster, each as its values. */
  async query<T extends readonly unknown[]> (query: Sql, signal?: AbortSignal): Promise<T[]> {
    const rows: T[] = []
    for await (const some of this.stream<T>(query, { signal })) rows.push(...some)
    return rows
  }

  /** The rows of a query on the whole cluster, some at a time, as they arrive. The query ends if the caller stops reading. */
  async * stream<T extends readonly unknown[]> (query: Sql, options?: StreamOptions): AsyncGenerator<T[]> {
    yield * streamRows(this.#nodes[0]!, query, 'JSONCompactEachRow', (row) => row.json<T>(), options)
  }

  /** The values of a query for one column of JSON objects without line breaks, as text, some at a time. */
  async * objects (query: Sql, options?: StreamOptions): AsyncGenerator<string[]> {
    yield * streamRows(this.#nodes[0]!, query, 'TabSeparatedRaw', ({ text }) => {
      // If the engine fails in the middle, it writes a message, which is not an object. The client overlooks a message that is split between two packets.
      if (!text.startsWith('{') || !text.endsWith('}')) throw new SyntaxError('not an object')
      return text
    }, options)
  }

  /** Runs a statement on each node, one after the other. */
  async command (statement: Sql): Promise<void> {
    for (const node of this.#nodes) await run(node, statement)
  }

  /** Runs a statement on the node of a shard, counted from 0. */
  async commandOn (shard: number, statement: Sql): Promise<void> {
    await run(this.#shards[shard]!, statement)
  }

  /** The rows of a query on the tables of the first node only, to which the queries on the whole cluster go. */
  async queryFirst<T extends readonly unknown[]> (query: Sql): Promise<T[]> {
    return await rowsOf<T>(this.#nodes[0]!, query)
  }

  /** The rows of a query on the tables of a shard, counted from 0. */
  async queryOn<T extends readonly unknown[]> (shard: number, query: Sql): Promise<T[]> {
    return await rowsOf<T>(this.#shards[shard]!, query)
  }

  /** The rows of a query on the tables of each node. */
  async queryNodes<T extends readonly unknown[]> (query: Sql): Promise<{ readonly url: string, readonly rows: T[] }[]> {
    return await Promise.all(this.#nodes.map(async (node) => ({ url: node.url, rows: await rowsOf<T>(node, query) })))
  }

  /** Runs work for each shard, counted from 0, at the same time. */
  async forEachShard (work: (shard: number) => Promise<void>): Promise<void> {
    await Promise.all(this.#shards.map((_, shard) => work(shard)))
  }

  /** Inserts rows, each with values for all of these columns in their order, into a table of a shard, counted from 0. */
  async insert (shard: number, table: string, columns: readonly string[], rows: readonly (readonly unknown[])[]): Promise<void> {
    await write(this.#shards[shard]!, (client) => client.insert({
      table: `${quoteName(this.database)}.${quoteName(table)}`,
      columns: columns.map(quoteName) as [string, ...string[]],
      values: rows,
      format: 'JSONCompactEachRow',
      clickhouse_settings: { precise_float_parsing: SETTINGS.precise_float_parsing!, async_insert: 0 }
    }))
  }

  async close (): Promise<void> {
    await closeAll(this.#nodes)
  }
}

function clientOf ({ username, password, timeoutMs = DEFAULT_TIMEOUT_MS }: EngineOptions, url: string): ClickHouseClient {
  return createClient({
    url,
    ...username !== undefined && { username },
    ...password !== undefined && { password },
    request_timeout: timeoutMs + GRACE_MS,
    // To one node. Further requests wait for a free connection.
    max_open_connections: 64,
    // Parameters that are too long for a URL are sent in the body.
    use_multipart_params_auto: true,
    // Failures are thrown, and the callers report them.
    log: { level: ClickHouseLogLevel.OFF },
    clickhouse_settings: { max_execution_time: timeoutMs / 1000 }
  })
}

async function closeAll (nodes: readonly Node[]): Promise<void> {
  await Promise.all(nodes.map(({ client }) => client.close()))
}

/** The nodes in the order of the shards. */
async function findShards (nodes: readonly Node[], cluster: string): Promise<readonly Node[]> {
  const found = await Promise.all(nodes.map(async (node) => {
    const rows = await rowsOf<[shard: number, isLocal: number]>(node, sql`SELECT shard_num, is_local FROM system.clusters WHERE cluster = ${text(cluster)}`)
    const own = rows.find(([, isLocal]) => isLocal === 1)
    if (rows.length === 0) throw new EngineError('engine_wrong_cluster', `${node.url}: there is no cluster ${JSON.stringify(cluster)}`)
    if (own === undefined) throw new EngineError('engine_wrong_cluster', `${node.url}: this node is not part of the cluster ${JSON.stringify(cluster)}`)
    return { node, shard: own[0], members: rows.length }
  }))
  const shards = found.sort((a, b) => a.shard - b.shard)
  const { members } = shards[0]!
  if (members !== nodes.length || shards.some(({ shard }, i) => shard !== i + 1)) {
    throw new EngineError('engine_wrong_cluster', `The cluster ${JSON.stringify(cluster)} has ${members} nodes; there must be one URL for each of them, each of a shard of its own; got ${nodes.map(({ url }) => url).join(', ')}`)
  }
  return shards.map(({ node }) => node)
}

async function run (node: Node, statement: Sql): Promise<void> {
  await write(node, (client) => client.command(render(statement)))
}

async function write ({ client, url }: Node, start: (client: ClickHouseClient) => Promise<unknown>): Promise<void> {
  const end = beginOperation('write')
  try {
    await start(client)
    end('ok')
  } catch (error) {
    const failure = toEngineError(error, url)
    end(failure.code)
    throw failure
  }
}

async function rowsOf<T> (node: Node, query: Sql): Promise<T[]> {
  const found: T[] = []
  for await (const rows of streamRows(node, query, 'JSONCompactEachRow', (row) => row.json<T>())) found.push(...rows)
  return found
}

async function * streamRows<T> ({ client, url }: Node, query: Sql, format: 'JSONCompactEachRow' | 'TabSeparatedRaw', read: (row: Row) => T, { signal, timeoutMs }: StreamOptions = {}): AsyncGenerator<T[], void> {
  const end = beginOperation('read')
  // Remains if the caller stops reading: nothing is thrown then.
  let outcome: EngineOperation['outcome'] = 'aborted'
  try {
    signal?.throwIfAborted()
    const result = await client.query({ ...render(query), format, clickhouse_settings: { ...SETTINGS, ...timeoutMs !== undefined && { max_execution_time: timeoutMs / 1000 } }, ...signal && { abort_signal: signal } })
    // The client heeds the signal only until the response begins.
    const stop = () => result.close()
    signal?.addEventListener('abort', stop)
    try {
      for await (const rows of result.stream()) yield (rows as Row[]).map(read)
      outcome = 'ok'
    } finally {
      signal?.removeEventListener('abort', stop)
      result.close()
    }
  } catch (error) {
    signal?.throwIfAborted()
    const failure = toEngineError(error, url)
    outcome = failure.code
    throw failure
  } finally {
    end(outcome)
  }
}
