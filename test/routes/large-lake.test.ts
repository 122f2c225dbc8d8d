import t from 'tap'
import { build, csv } from '../support/app.js'
import { MemoryStore } from '../support/stores.js'

const RECORDS = 100_000

t.test('the pages of a hundred thousand records are those of the version at the beginning of the listing', async (t) => {
  const { app, bucket, fresh } = await build(t, { store: (bucket) => new MemoryStore(bucket) })
  for (let i = 0; i < RECORDS; i++) bucket.put(`source_data/${i}.csv`, csv(`Name ${i % 1000}`, '', i * 7919 % RECORDS))
  const listings = ['sort=user_id', 'sort=-first_name', 'sort=birthts&age_basis=exact&min_age=1&as_of=1971-01-01T06:01:30Z']
    .map((search) => ({ url: `/data?format=ndjson&${search}`, pages: [] as string[] }))
  const whole = await Promise.all(listings.map(({ url }) => app.inject(url)))
  const version = whole[0]!.headers['data-version']
  const next = listings.map(({ url }): string | undefined => `${url}&limit=9999`)
  for (let round = 0; next.some((url) => url !== undefined); round++) {
    for (const [i, url] of next.entries()) {
      if (url === undefined) continue
      const { body, headers } = await app.inject(url)
      t.match(headers, { 'data-version': version, 'x-total-count': whole[i]!.headers['x-total-count'] })
      listings[i]!.pages.push(body)
      next[i] = /^<([^>]+)>; rel="next"$/.exec(String(headers['link']))?.[1]
    }
    if (round % 4 === 0) {
      // Changes before and after the position, for every sort.
      for (let i = round; i < RECORDS; i += 997) bucket.delete(`source_data/${i}.csv`)
      for (let i = round + 1; i < RECORDS; i += 991) bucket.put(`source_data/${i}.csv`, csv(`Changed ${i % 1000}`, '', -i))
      for (let i = 0; i < 100; i++) bucket.put(`source_data/${i * 1001}-${round}.csv`, csv(`New ${i}`, '', i))
      t.equal((await fresh('/data?limit=1')).status, 200)
    }
  }
  for (const [i, { url, pages }] of listings.entries()) t.ok(pages.join('') === whole[i]!.body, `${url}: ${pages.length} pages`)
  t.equal(whole[2]!.headers['x-total-count'], '90001', '90,001 births lie within a year and ninety seconds')
  t.not((await app.inject('/data?limit=1')).headers['data-version'], version)
})
