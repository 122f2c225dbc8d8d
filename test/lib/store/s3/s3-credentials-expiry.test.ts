import t from 'tap'
import { asContainer, accessKeyOf, setUpCredentials, startIssuer } from '../../../support/credentials.js'

// In a file of its own: the SDK renews such credentials in the background, and reads the environment for that, which by then may be that of the next test.
t.test('credentials are replaced before they expire', async (t) => {
  const { url } = await startIssuer(t, asContainer(120_000))
  const { endpoint, store } = await setUpCredentials(t, { AWS_CONTAINER_CREDENTIALS_FULL_URI: url })
  const used = new Set<string>()
  endpoint.intercept = (request) => {
    used.add(accessKeyOf(request))
    return undefined
  }
  while (used.size < 3) t.equal((await store.head('key'))?.size, 7)
  t.ok(used.has('id1'))
})
