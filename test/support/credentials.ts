import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { S3Store } from '../../lib/store/s3/s3-store.js'
import type { S3Request } from './s3-protocol.js'
import { setUpS3 } from './s3-setup.js'

/** The environment variables in which the SDK looks for credentials, or for where to get them. */
const SOURCES = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONTAINER_CREDENTIALS_FULL_URI', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_ARN', 'AWS_ENDPOINT_URL_STS']

/** An endpoint, and a store that finds its credentials by these environment variables, until the end of the test. */
export async function setUpCredentials (t: Test, env: Readonly<Record<string, string>>) {
  const { endpoint, bucket } = await setUpS3(t)
  bucket.put('key', 'content')
  const saved = { ...process.env }
  for (const name of SOURCES) delete process.env[name]
  Object.assign(process.env, { AWS_EC2_METADATA_DISABLED: 'true', AWS_CONFIG_FILE: '/no config', ...env })
  const store = new S3Store({ bucket: 'lake', endpoint: endpoint.url })
  t.teardown(async () => {
    await store.close()
    process.env = saved
  })
  return { endpoint, bucket, store }
}

/** The id of the access key that has signed a request. */
export const accessKeyOf = ({ headers }: S3Request) => /Credential=([^/]+)/.exec(headers.authorization!)![1]!

/** A server that returns new temporary credentials for each request. @param write the response with credentials of this id, to a request with this body */
export async function startIssuer (t: Test, write: (id: string, body: string) => string) {
  const requests: string[] = []
  const server = createServer(async (request, response) => {
    requests.push(await text(request))
    response.end(write(`id${requests.length}`, requests.at(-1)!))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  return { requests, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** The response of the server from which a container gets credentials (AWS_CONTAINER_CREDENTIALS_FULL_URI), valid for this number of milliseconds. */
export const asContainer = (expiresInMs: number) => (id: string) =>
  JSON.stringify({ AccessKeyId: id, SecretAccessKey: 'secret', Token: `token of ${id}`, Expiration: new Date(Date.now() + expiresInMs).toISOString() })
