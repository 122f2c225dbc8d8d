import t from 'tap'
import { RetryBudget } from '../../../lib/base/retry-budget.js'

const takeAll = (budget: RetryBudget, reserve?: number) => {
  let retries = 0
  while (budget.take(reserve)) retries++
  return retries
}

t.test('100 retries are possible, and one more for every five successes', async (t) => {
  const budget = new RetryBudget()
  t.equal(takeAll(budget), 100)
  for (let i = 0; i < 50; i++) budget.refund()
  t.equal(takeAll(budget), 10)
  for (let i = 0; i < 10_000; i++) budget.refund()
  t.equal(takeAll(budget), 100)
})

t.test('a reserve remains for other requests', async (t) => {
  const budget = new RetryBudget()
  t.equal(takeAll(budget, 40), 60)
  t.equal(takeAll(budget), 40)
})
