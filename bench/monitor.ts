import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

// Loaded into the service with `--import`. Replies to each message with the delays of the event loop since the previous message, in milliseconds.

if (isMainThread) {
  const delays = monitorEventLoopDelay({ resolution: 1 })
  delays.enable()
  process.on('message', () => {
    process.send!({ p999: delays.percentile(99.9) / 1e6, max: delays.max / 1e6 })
    delays.reset()
  })
  process.channel?.unref()
}
