import { execFileSync } from 'node:child_process'
import { noClickHouse } from './clickhouse.js'

const { CLICKHOUSE_TEST_SCRIPT: script } = process.env

/** Why tests that stop a shard are skipped; `false` if they can. */
export const cannotStopShards = noClickHouse || (script === undefined && 'set CLICKHOUSE_TEST_SCRIPT, a script whose commands `stop N` and `restart N` stop the shard N and start it again')

/** Stops a shard, counted from 1, or starts it again over its data. */
export function controlShard (action: 'stop' | 'restart', shard: number): void {
  execFileSync('bash', [script!, action, String(shard)], { stdio: 'pipe' })
}
