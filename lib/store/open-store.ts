import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Clock } from '../base/clock.js'
import { FolderInspector } from './folder/folder-inspector.js'
import { FolderStore } from './folder/folder-store.js'
import type { Inspector } from './inspector.js'
import { LazyStore } from './lazy-store.js'
import { MeasuredStore } from './measured-store.js'
import type { ObjectStore } from './object-store.js'
import type { S3ClientSettings } from './s3/s3-client.js'

/** The settings of a store. Plain data that can be posted to another thread. */
export interface StoreSettings {
  /** `s3://bucket`, or `file:` and a path: `file:./lake` (from the working directory), `file:/var/lake`, `file:///var/lake`. */
  readonly url: string
  /** The standard AWS variables that describe the server. The SDK finds credentials by itself. */
  readonly env?: AwsVariables | undefined
  /** As in `S3StoreSettings`. */
  readonly maxDownloads?: number | undefined
}

/** Options of `openStore`. */
export interface OpenStoreOptions extends StoreSettings {
  /** Whether the store may block the thread while it reads. Default: false. */
  readonly blocking?: boolean | undefined
  readonly clock?: Clock | undefined
}

/** Standard variables of AWS. An empty value is treated as absent. */
export interface AwsVariables {
  readonly AWS_ENDPOINT_URL_S3?: string | undefined
  readonly AWS_ENDPOINT_URL?: string | undefined
  readonly AWS_REGION?: string | undefined
}

const BUCKET_URL = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])$/

/** Opens the store with this URL. The store is not accessed, and the SDK is not loaded, before the first call. Throws if the URL is invalid. */
export function openStore ({ url, env = {}, maxDownloads, clock = Date.now, blocking }: OpenStoreOptions): ObjectStore {
  const bucket = BUCKET_URL.exec(url)?.[1]
  if (bucket !== undefined) {
    return new MeasuredStore(new LazyStore(url, async () => {
      const { S3Store } = await import('./s3/s3-store.js')
      return new S3Store({ bucket, ...serverOf(env), maxDownloads })
    }))
  }
  const path = folderPath(url)
  if (path !== undefined) return new MeasuredStore(new FolderStore(path, { clock, blocking }))
  throw invalidUrl(url)
}

/** Opens the inspector of the store with this URL. Throws if the URL is invalid. */
export async function openInspector ({ url, env = {} }: StoreSettings): Promise<Inspector> {
  const bucket = BUCKET_URL.exec(url)?.[1]
  if (bucket !== undefined) {
    const { S3Inspector } = await import('./s3/s3-inspector.js')
    return new S3Inspector(bucket, serverOf(env))
  }
  const path = folderPath(url)
  if (path !== undefined) return new FolderInspector(path)
  throw invalidUrl(url)
}

/** Whether `openStore` accepts the URL. */
export function isLakeUrl (text: string): boolean {
  return BUCKET_URL.test(text) || folderPath(text) !== undefined
}

/** What to use in place of the path of a folder, as the end of a message; empty if the text does not look like one. In a URL, `%` would begin an encoded character. */
export function lakeUrlHint (text: string): string {
  const url = `file:${text}`
  return /^(\.{1,2}$|\.{0,2}\/[^%]*$)/.test(text) && isLakeUrl(url) ? `; use ${url}` : ''
}

function serverOf ({ AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION }: AwsVariables): S3ClientSettings {
  return { endpoint: AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL || undefined, region: AWS_REGION || undefined }
}

function invalidUrl (url: string): Error {
  return new Error(`The URL of a lake must be s3://<bucket> or file:<path>; got ${JSON.stringify(url)}${lakeUrlHint(url)}`)
}

function folderPath (text: string): string | undefined {
  // The path of a URL is percent-decoded, and relative to the working directory unless it begins with a slash.
  const base = pathToFileURL(`${process.cwd()}/`).href
  if (!/^file:[^?#]+$/.test(text) || !URL.canParse(text, base)) return undefined
  try {
    return fileURLToPath(new URL(text, base))
  } catch {
    // The URL has a host or a percent-encoded slash.
    return undefined
  }
}
