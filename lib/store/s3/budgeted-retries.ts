import type { S3Client } from '@aws-sdk/client-s3'
import type { RetryBudget } from '../../base/retry-budget.js'
import { statusOf } from './s3-error.js'

type Provider = S3Client['config']['retryStrategy']

/**
 * Changes the retry strategy of a client: it retries only while the budget lasts, and also after 408, with which some servers refuse requests while they are overloaded.
 * The pauses are those of the SDK, which extends them to the `Retry-After` of the server, by 5 s at most.
 */
export function budgetRetries (client: S3Client, budget: RetryBudget): void {
  const standard: Provider = client.config.retryStrategy
  client.config.retryStrategy = async () => {
    const strategy = await standard()
    if (!('recordSuccess' in strategy)) return strategy
    return {
      acquireInitialRetryToken: (scope) => strategy.acquireInitialRetryToken(scope),
      refreshRetryTokenForRetry: async (token, reported) => {
        const info = statusOf(reported.error) === 408 ? { ...reported, errorType: 'TRANSIENT' as const } : reported
        // The SDK does not retry client errors.
        if (info.errorType !== 'CLIENT_ERROR' && !budget.take()) throw new Error('The retry budget is exhausted')
        return await strategy.refreshRetryTokenForRetry(token, info)
      },
      recordSuccess: (token) => {
        budget.refund()
        strategy.recordSuccess(token)
      }
    }
  }
}
