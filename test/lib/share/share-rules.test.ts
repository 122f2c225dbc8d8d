import fc from 'fast-check'
import t from 'tap'
import { decideAction, decideRenewal, isClaimDue, isIdleAfter, isLed, isStateDue, RENEW_MS, TAKEOVER_MS, estimateTime, type KnownState } from '../../../lib/share/share-rules.js'
import { runs } from '../../support/property-runs.js'

const LED: KnownState = { isOwn: false, isForeign: false, isIdle: false, unrenewedMs: 1000, ageMs: 1500, listingMs: 100 }
const decide = (state: Partial<KnownState> | undefined, { isRequired = false, mayWrite = true } = {}) =>
  decideAction({ state: state && { ...LED, ...state }, isRequired, mayWrite, maxStalenessMs: 2000 })

t.test('a replica follows one that leads, and lists for itself only if a client requires it', async (t) => {
  t.equal(decide({}), 'follow')
  t.equal(decide({ ageMs: 14_000, unrenewedMs: 14_000 }), 'follow')
  t.equal(decide({}, { isRequired: true }), 'list')
})

t.test('a replica leads if it has written the state, and if no state exists', async (t) => {
  t.equal(decide({ isOwn: true, ageMs: 60_000, unrenewedMs: 60_000 }), 'lead')
  t.equal(decide(undefined), 'lead')
})

t.test('a leader is replaced after 15 seconds without a new state, and at once if it is idle and newer data is needed', async (t) => {
  t.equal(decide({ unrenewedMs: TAKEOVER_MS - 1, ageMs: TAKEOVER_MS }), 'follow')
  t.equal(decide({ unrenewedMs: TAKEOVER_MS, ageMs: TAKEOVER_MS }), 'lead')
  t.equal(decide({ isIdle: true, ageMs: 2000 }), 'follow')
  t.equal(decide({ isIdle: true, ageMs: 2001 }), 'lead')
  t.equal(decide({ isIdle: true }, { isRequired: true }), 'lead')
  t.equal(decide({ isIdle: true, ageMs: 3000, listingMs: 2000 }), 'follow', 'data may be as old as two listings take')
})

t.test('a state of other settings is left alone while it is renewed', async (t) => {
  t.equal(decide({ isForeign: true }), 'list')
  t.equal(decide({ isForeign: true, unrenewedMs: TAKEOVER_MS }), 'lead')
})

t.test('a replica that may not write never leads', async () => {
  fc.assert(fc.property(fc.option(fc.record({ isOwn: fc.constant(false), isForeign: fc.boolean(), isIdle: fc.boolean(), unrenewedMs: fc.nat(20_000), ageMs: fc.nat(20_000) }), { nil: undefined }), fc.boolean(), (state, isRequired) =>
    decide(state, { isRequired, mayWrite: false }) !== 'lead'), runs(200))
})

t.test('a replica takes over only if no other one is known to be alive', async () => {
  fc.assert(fc.property(fc.record({ isForeign: fc.boolean(), isIdle: fc.boolean(), unrenewedMs: fc.nat(20_000), ageMs: fc.nat(20_000) }), fc.boolean(), (state, isRequired) =>
    decide(state, { isRequired }) !== 'lead' || !isLed({ ...LED, ...state })), runs(200))
})

t.test('before a long listing, a replica that takes over writes the state', async (t) => {
  t.notOk(isClaimDue(LED))
  t.ok(isClaimDue({ ...LED, listingMs: 1000 }))
})

t.test('the state is written after a change, when a replica begins to lead or is no longer idle, and otherwise every five seconds', async (t) => {
  const isDue = (listed: Partial<Parameters<typeof isStateDue>[0]>) =>
    isStateDue({ isChanged: false, action: 'lead', isOwn: true, isForeign: false, wasIdle: false, isIdle: false, unrenewedMs: 2000, sinceListingMs: 2000, ...listed })
  t.notOk(isDue({}))
  t.ok(isDue({ isChanged: true }))
  t.ok(isDue({ isChanged: true, action: 'list' }), 'what a required listing has found')
  t.notOk(isDue({ action: 'list', isOwn: false, unrenewedMs: 60_000 }))
  t.notOk(isDue({ isChanged: true, action: 'list', isOwn: false, isForeign: true }), 'a state of other settings is left alone')
  t.ok(isDue({ action: 'lead', isOwn: false, isForeign: true }))
  t.ok(isDue({ isOwn: false }))
  t.ok(isDue({ wasIdle: true }))
  t.ok(isDue({ isIdle: true }))
  t.notOk(isDue({ unrenewedMs: 3000 }))
  t.ok(isDue({ unrenewedMs: 3001 }), 'the next listing would be too late')
  t.ok(isDue({ unrenewedMs: RENEW_MS, sinceListingMs: 1 }))
})

t.test('between listings, the leader renews the state, and marks it as idle once', async (t) => {
  const renewal = (leading: Partial<Parameters<typeof decideRenewal>[0]>) =>
    decideRenewal({ isIdle: false, isRefreshing: false, sinceRefreshMs: 4000, unrenewedMs: 5000, listingMs: 100, maxStalenessMs: 2000, ...leading })
  t.equal(renewal({}), undefined)
  t.equal(renewal({ isRefreshing: true }), 'active')
  t.equal(renewal({ isRefreshing: true, unrenewedMs: 4999 }), undefined)
  t.equal(renewal({ sinceRefreshMs: 5000 }), 'idle')
  t.equal(renewal({ sinceRefreshMs: 5000, isIdle: true }), undefined)
  t.equal(renewal({ sinceRefreshMs: 12_000, listingMs: 4000 }), undefined, 'slow listings begin less often')
  t.equal(isIdleAfter(60_000, 60_000, 0), false)
  t.equal(isIdleAfter(120_000, 60_000, 0), true)
})

t.test('the time of a write is computed from the wall clocks, within the times at which the object was read', async (t) => {
  t.equal(estimateTime(10_000, 700, { notBefore: 8000, notAfter: 10_000 }), 9300)
  fc.assert(fc.property(fc.nat(10_000), fc.nat(10_000), fc.integer({ min: -1e9, max: 1e9 }), (written, polled, skew) => {
    const bounds = { notBefore: written - polled, notAfter: written + polled }
    const found = estimateTime(bounds.notAfter, bounds.notAfter - written + skew, bounds)
    return Math.abs(found - written) <= Math.min(Math.abs(skew), polled)
  }), runs(200))
})
