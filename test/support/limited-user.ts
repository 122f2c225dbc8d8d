import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3'
import type { Test } from 'tap'
import type { Policy } from './policy.js'
import { testFolder } from './test-folder.js'

const { S3_TEST_ENDPOINT, S3_TEST_ACCESS_KEY_ID, S3_TEST_SECRET_ACCESS_KEY, MC_BIN, RGW_CONF } = process.env

/** Why `addLimitedUser` cannot be used; `false` if it can. */
export const noLimitedUsers = (S3_TEST_ENDPOINT === undefined || (MC_BIN ?? RGW_CONF) === undefined) &&
  'set S3_TEST_ENDPOINT, S3_TEST_ACCESS_KEY_ID, S3_TEST_SECRET_ACCESS_KEY and either MC_BIN (MinIO: the path of mc) or RGW_CONF (Ceph RGW: its configuration file)'

export interface LimitedUser {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Removes the user, whose keys are then unknown to the server. */
  readonly remove: () => void
}

/** Adds a user to the server, with the rights that the policy grants in this bucket: to MinIO with its client, to Ceph RGW with radosgw-admin and a policy of the bucket. */
export async function addLimitedUser (t: Test, bucket: string, policy: Policy): Promise<LimitedUser> {
  const name = `limited${randomBytes(6).toString('hex')}`
  const secret = randomBytes(20).toString('hex')
  if (MC_BIN === undefined) {
    const admin = (...args: string[]) => execFileSync('radosgw-admin', ['-c', RGW_CONF!, ...args, `--uid=${name}`], { stdio: 'pipe' })
    admin('user', 'create', `--display-name=${name}`, `--access-key=${name}`, `--secret-key=${secret}`)
    const client = new S3Client({ endpoint: S3_TEST_ENDPOINT!, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: S3_TEST_ACCESS_KEY_ID!, secretAccessKey: S3_TEST_SECRET_ACCESS_KEY! } })
    const Principal = { AWS: [`arn:aws:iam:::user/${name}`] }
    const document = { ...policy, Statement: policy.Statement.map((statement) => ({ ...statement, Principal })) }
    await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify(document) }))
    client.destroy()
    return { accessKeyId: name, secretAccessKey: secret, remove: () => { admin('user', 'rm') } }
  }
  const folder = testFolder(t)
  writeFileSync(`${folder}/policy.json`, JSON.stringify(policy))
  const { protocol, host } = new URL(S3_TEST_ENDPOINT!)
  const env = { ...process.env, MC_HOST_store: `${protocol}//${S3_TEST_ACCESS_KEY_ID}:${S3_TEST_SECRET_ACCESS_KEY}@${host}` }
  const mc = (...args: string[]) => execFileSync(MC_BIN, ['--config-dir', folder, 'admin', ...args], { env, stdio: 'pipe' })
  mc('policy', 'create', 'store', name, `${folder}/policy.json`)
  mc('user', 'add', 'store', name, secret)
  mc('policy', 'attach', 'store', name, '--user', name)
  return { accessKeyId: name, secretAccessKey: secret, remove: () => { mc('user', 'remove', 'store', name) } }
}
