import { World } from './world.js'

/** A process that runs the histories of the seeds that it receives, one after the other, and sends their outcomes. */
process.on('message', (seed: number) => {
  new World(seed).run().then((outcome) => process.send!(outcome), (error: Error) => {
    console.error(`seed ${seed}:`, error)
    process.exit(1)
  })
})
