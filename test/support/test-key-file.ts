import { rmSync, writeFileSync } from 'node:fs'
import type { Test } from 'tap'
import type { Timer } from '../../lib/base/timer.js'
import { testFolder } from './test-folder.js'
import { until } from './until.js'

/** A file of API keys that the service reads again when the test requests it. */
export interface TestKeyFile {
  readonly path: string
  /** The option `keyFileTimer` of the app. */
  readonly timer: Timer
  /** Replaces the text of the file, and waits until the service has read it. */
  readonly replace: (text: string) => Promise<void>
  /** Removes the file, and waits until the service has noticed it. */
  readonly remove: () => Promise<void>
}

export function testKeyFile (t: Test, text: string): TestKeyFile {
  const path = `${testFolder(t, { keys: text })}/keys`
  let read = () => {}
  let reads = 0
  const timer: Timer = (_ms, task) => {
    reads++
    read = task
    return () => {}
  }
  const readAgain = async () => {
    const before = reads
    read()
    await until(() => reads > before)
  }
  return {
    path,
    timer,
    replace: async (text) => {
      writeFileSync(path, text)
      await readAgain()
    },
    remove: async () => {
      rmSync(path)
      await readAgain()
    }
  }
}
