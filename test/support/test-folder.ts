import type { Test } from 'tap'

/**
 * Creates a folder with this content, which is removed at the end of the test, after everything that `t.teardown` closes. With `t.testdir` alone, tap removes it first
 * if it was created before the first call of `t.teardown`: a service that still writes to it then makes that fail, and is never closed.
 */
export function testFolder (t: Pick<Test, 'teardown' | 'testdir'>, content?: Parameters<Test['testdir']>[0]): string {
  t.teardown(() => {})
  return t.testdir(content)
}
