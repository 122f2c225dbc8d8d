import t from 'tap'
import { STORE_OPERATIONS, type StoreOperation } from '../../../lib/base/events.js'
import { forwardEvents, republish, type ForwardedEvents } from '../../../lib/worker/forward-events.js'

const operation = (durationMs: number): StoreOperation => ({ operation: 'get', outcome: 'ok', durationMs })

t.test('messages are forwarded together, in order, and none after the end', async (t) => {
  const posted: ForwardedEvents[] = []
  const forwarder = forwardEvents((events) => posted.push(events))
  for (let i = 0; i < 3; i++) STORE_OPERATIONS.publish(operation(i))
  t.same(posted, [], 'they wait for others')
  forwarder.flush()
  forwarder.flush()
  t.same(posted, [[0, 1, 2].map((i) => ['userlake:store', operation(i)])])
  STORE_OPERATIONS.publish(operation(3))
  forwarder.stop()
  t.notOk(STORE_OPERATIONS.hasSubscribers)
  t.same(posted.at(-1), [['userlake:store', operation(3)]])
})

t.test('forwarded messages are published in the receiving thread; an unknown channel is ignored', async (t) => {
  const received: StoreOperation[] = []
  t.teardown(STORE_OPERATIONS.subscribe((message) => received.push(message)))
  republish([['userlake:store', operation(1)], ['userlake:later', {}], ['userlake:store', operation(2)]])
  t.same(received, [operation(1), operation(2)])
})
