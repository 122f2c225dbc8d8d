import { startS3Endpoint } from '../test/support/s3-endpoint.js'
import { lakeObjects } from './lake-users.js'

// The tests' S3 endpoint in a process of its own. It begins with buckets named by their number of users, such as `users-100`:
// endpoint.js <users>...

const endpoint = await startS3Endpoint()
const fill = (name: string, users: number) => {
  const bucket = endpoint.bucket(name)
  for (const [key, body] of lakeObjects(users)) bucket.put(key, body)
}
for (const users of process.argv.slice(2)) fill(`users-${users}`, Number(users))

/** Fills a bucket with so many users, empties it, or changes the info files of some, and tells of the requests since it was last asked. */
process.on('message', ({ fill: filled, drop, touch, users = 0 }: { fill?: string, drop?: string, touch?: string, users?: number }) => {
  if (filled !== undefined) fill(filled, users)
  if (drop !== undefined) for (const key of endpoint.bucket(drop).keys()) endpoint.bucket(drop).delete(key)
  if (touch !== undefined) {
    const infoFiles = endpoint.bucket(touch).keys().filter((key) => /^source_data\/.*\.csv$/.test(key))
    for (const key of infoFiles.slice(0, users)) endpoint.bucket(touch).put(key, `first_name,last_name,birthts\nChanged,At ${Date.now()},0\n`)
  }
  process.send!({ ...endpoint.counts, sourceGets: endpoint.gets.filter((key) => key.startsWith('source_data/')).length })
  endpoint.reset()
})
process.stdout.write(JSON.stringify({ url: endpoint.url }) + '\n')
