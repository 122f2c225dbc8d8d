import { cpSync, readFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance, InjectOptions } from 'fastify'
import type { Test } from 'tap'
import { buildOnFolder } from './app.js'

/** Starts the app on the sample data, and waits for its first job. */
export async function buildOnSampleData (t: Test): Promise<FastifyInstance> {
  const fill = async (root: string) => await cp('seed-data', join(root, 'source_data'), { recursive: true })
  const { app } = await buildOnFolder(t, {}, { fill })
  await app.inject({ method: 'POST', url: '/data' })
  await app.inject({ url: '/data', headers: { 'cache-control': 'no-cache' } })
  return app
}

/** The settings with which the README of an example starts the service: SCHEMA=a.json LAKE_URL=file:lake INPUT_DELIMITER=';' npm start */
export function exampleSettings (name: string): Record<string, string> {
  const line = /```sh\n(.* )npm start\n```/.exec(readFileSync(`examples/${name}/README.md`, 'utf8'))?.[1] ?? ''
  return Object.fromEntries([...line.matchAll(/(\w+)=(?:'([^']*)'|(\S+)) /g)].map(([, name, quoted, plain]) => [name!, quoted ?? plain!]))
}

/** Starts the app on a copy of an example lake. */
export async function buildOnExample (t: Test, name: string): Promise<FastifyInstance> {
  const { LAKE_URL: lake, ...settings } = exampleSettings(name)
  const { app } = await buildOnFolder(t, {}, { settings, fill: (root) => cpSync(lake!.slice('file:'.length), root, { recursive: true }) })
  return app
}

/**
 * Parses a command such as curl -X POST -H 'Prefer: respond-async' 'http://localhost:8080/data', or curl -G 'http://localhost:8080/data' --data-urlencode 'q=a',
 * to the request that it sends.
 *
 * @throws Error
 */
export function toRequest (command: string): InjectOptions {
  const encoded = /^curl -G 'http:\/\/localhost:8080(\S*)'((?: --data-urlencode '\w+=[^']*')+)$/.exec(command)
  if (encoded !== null) {
    const query = [...encoded[2]!.matchAll(/'(\w+)=([^']*)'/g)].map(([, name, value]) => `${name!}=${encodeURIComponent(value!)}`)
    return { method: 'GET', url: `${encoded[1]!}?${query.join('&')}` }
  }
  const [, method = 'GET', name, value, url] = /^curl(?: -X (\w+))?(?: -H '([\w-]+): ([^']*)')? 'http:\/\/localhost:8080(.*)'$/.exec(command) ?? []
  if (url === undefined) throw new Error(`No request: ${command}`)
  return { method: method as 'GET', url, headers: name === undefined ? {} : { [name]: value } }
}

/** Replaces everything that differs between two runs by constants: ids, times, progress, the version of Node and the ETags of files. */
export function maskVariableParts (text: string): string {
  return text
    .replaceAll(/"[0-9a-f]{8}(-\d+)?"/g, '"id"')
    .replaceAll(/"(\w+_at)":"[^"]*"/g, '"$1":"time"')
    .replaceAll(/"(request_id)":"[^"]*"/g, '"$1":"id"')
    .replaceAll(/"(node)":"[^"]*"/g, '"$1":"24"')
    .replaceAll(/"(etag)":"[^"]*"/g, '"$1":"etag"')
    .replaceAll(/"(to_fetch|fetched)":\d+/g, '"$1":0')
}
