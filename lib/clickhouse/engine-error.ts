import { ClickHouseError } from '@clickhouse/client'
import { EngineError, type EngineErrorCode } from '../base/errors.js'

/** The error codes of ClickHouse that callers tell apart. */
const CODES: Readonly<Record<string, EngineErrorCode>> = {
  32: 'engine_unavailable', // ATTEMPT_TO_READ_AFTER_EOF: a shard went away in the middle
  209: 'engine_unavailable', // SOCKET_TIMEOUT
  210: 'engine_unavailable', // NETWORK_ERROR
  279: 'engine_unavailable', // ALL_CONNECTION_TRIES_FAILED: a shard is down
  369: 'engine_unavailable', // ALL_REPLICAS_ARE_STALE: the shard has no replica that can be used
  159: 'engine_timeout', // TIMEOUT_EXCEEDED
  160: 'engine_timeout', // TOO_SLOW
  202: 'engine_overloaded', // TOO_MANY_SIMULTANEOUS_QUERIES
  241: 'engine_overloaded', // MEMORY_LIMIT_EXCEEDED
  192: 'engine_access_denied', // UNKNOWN_USER
  193: 'engine_access_denied', // WRONG_PASSWORD
  194: 'engine_access_denied', // REQUIRED_PASSWORD
  497: 'engine_access_denied', // ACCESS_DENIED
  516: 'engine_access_denied', // AUTHENTICATION_FAILED
  170: 'engine_wrong_cluster', // BAD_GET: no such cluster, in older releases of ClickHouse
  701: 'engine_wrong_cluster', // CLUSTER_DOESNT_EXIST
  16: 'engine_wrong_database', // NO_SUCH_COLUMN_IN_TABLE
  47: 'engine_wrong_database', // UNKNOWN_IDENTIFIER
  60: 'engine_wrong_database', // UNKNOWN_TABLE
  81: 'engine_wrong_database', // UNKNOWN_DATABASE
  164: 'engine_read_only', // READONLY
  242: 'engine_read_only', // TABLE_IS_READ_ONLY
  774: 'engine_read_only' // TABLE_IS_PERMANENTLY_READ_ONLY: a setting of the table, or a disk that cannot be written
}

/** The message of the client if no response came in time. */
const CLIENT_TIMEOUT = 'Timeout error.'

/**
 * Converts the error of a request to ClickHouse.
 *
 * @param subject the URL of the node, without credentials
 */
export function toEngineError (error: unknown, subject: string): EngineError {
  if (error instanceof EngineError) return error
  if (error instanceof ClickHouseError) {
    const engineCode = [error.code, error.type].filter(Boolean).join(' ')
    return new EngineError(CODES[error.code] ?? 'engine_query_failed', `${subject}: ${firstLine(error.message)} (${engineCode})`, { cause: error, engineCode })
  }
  // Not a row: the engine failed in the middle, or another service has this address.
  if (error instanceof SyntaxError) return new EngineError('engine_incomplete', `${subject}: the response is not a list of rows`, { cause: error })
  const { message } = error instanceof Error ? error : new Error(String(error))
  return new EngineError(message === CLIENT_TIMEOUT ? 'engine_timeout' : 'engine_unavailable', `${subject}: ${firstLine(message)}`, { cause: error })
}

/** Messages of ClickHouse quote the query, which may be very long. */
const MAX_MESSAGE_LENGTH = 300

function firstLine (message: string): string {
  return message.split('\n', 1)[0]!.trim().slice(0, MAX_MESSAGE_LENGTH)
}
