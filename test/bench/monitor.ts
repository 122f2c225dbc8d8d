import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

// Loaded into the service by --import: asked for it, tells of the delays of its event loop since it was last asked, and collects
// garbage before where that is asked for (--expose-gc).

if (isMainThread) {
  const delays = monitorEventLoopDelay({ resolution: 1 })
  delays.enable()
  process.on('message', ({ collect = false }: { collect?: boolean }) => {
    if (collect) for (let i = 0; i < 2; i++) globalThis.gc?.()
    process.send!({ p999: delays.percentile(99.9) / 1e6, max: delays.max / 1e6 })
    delays.reset()
  })
  process.channel?.unref()
}
