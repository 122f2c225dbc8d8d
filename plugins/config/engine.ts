import type { EngineOptions } from '../../lib/clickhouse/connection.js'
import type { Settings } from './settings.js'

/** Whether this is a valid value of ENGINE_URL that is not empty. */
export function isEngineUrls (value: string): boolean {
  const urls = value.split(',')
  return urls.every(isEngineUrl) && new Set(urls.map((url) => new URL(url).origin)).size === urls.length
}

function isEngineUrl (value: string): boolean {
  if (!/^https?:\/\//.test(value) || !URL.canParse(value)) return false
  const { username, password, pathname, search, hash } = new URL(value)
  return username === '' && password === '' && pathname === '/' && search === '' && hash === ''
}

/** How to reach the engine that stores the records; `undefined` if this process stores them. */
export function engineOf ({ ENGINE_URL, ENGINE_CLUSTER: cluster, ENGINE_DATABASE: database, ENGINE_USER: username, ENGINE_PASSWORD: password }: Settings): EngineOptions | undefined {
  return ENGINE_URL === '' ? undefined : { urls: ENGINE_URL.split(',').map((url) => new URL(url).origin), cluster, database, username, password }
}
