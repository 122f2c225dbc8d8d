import type { ClickHouseSettings } from '@clickhouse/client'

/** Settings that responses depend on. They are sent with each query, whatever the profile of the account has. */
export const SETTINGS: ClickHouseSettings = {
  // A shard that is down fails the query: its records are never left out.
  skip_unavailable_shards: 0,
  fallback_to_stale_replicas_for_distributed_queries: 0,
  // A limit that is reached fails the query: the results are never cut.
  timeout_overflow_mode: 'throw',
  read_overflow_mode: 'throw',
  result_overflow_mode: 'throw',
  group_by_overflow_mode: 'throw',
  sort_overflow_mode: 'throw',
  set_overflow_mode: 'throw',
  limit: '0',
  offset: '0',
  // All integers of records are safe in JavaScript; larger sums are converted to text in SQL.
  output_format_json_quote_64bit_integers: 0,
  output_format_json_escape_forward_slashes: 0,
  // The default parser of ClickHouse reads some doubles one unit in the last place off.
  precise_float_parsing: 1,
  // An alias never hides a column with its name.
  prefer_column_name_to_alias: 1,
  transform_null_in: 0,
  aggregate_functions_null_for_empty: 0,
  distributed_group_by_no_merge: '0',
  // Queries change nothing; with 2 instead of 1, they can still have settings. ClickHouse ends the query of a client that has disconnected only if it is read-only.
  readonly: '2',
  cancel_http_readonly_queries_on_client_close: 1,
  // Large sets, which are part of the query that the other shards receive.
  max_query_size: String(64 * 1024 * 1024),
  max_ast_elements: '10000000',
  max_expanded_ast_elements: '10000000'
}
