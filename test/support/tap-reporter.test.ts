import { text } from 'node:stream/consumers'
import t from 'tap'
import TapReporter from './tap-reporter.js'

/** What the reporter prints for a TAP stream. */
async function report (tap: string): Promise<string> {
  const reporter = new TapReporter()
  reporter.end(tap)
  return await text(reporter)
}

t.test('a file without failures is one line, and the last line is the sum of all files', async (t) => {
  t.equal(await report(`TAP version 14
# Subtest: dist-test/test/a.test.js
    # Subtest: adds
        ok 1 - one
        ok 2 - two
        1..2
    ok 1 - adds # time=1ms
    1..1
ok 1 - dist-test/test/a.test.js # time=1250ms
ok 2 - dist-test/test/b.test.js # time=20ms {
    ok 1 - three
    1..1
}
1..2
`), `test/a.test.js: 2 passed, 0 failed, 0 skipped (1.3 s)
test/b.test.js: 1 passed, 0 failed, 0 skipped (0.0 s)
3 passed, 0 failed, 0 skipped
`)
})

t.test('a failed assertion is printed with its path and diagnostics, and counted once', async (t) => {
  t.equal(await report(`TAP version 14
# Subtest: dist-test/test/a.test.js
    # Subtest: adds
        ok 1 - one
        not ok 2 - two
          ---
          diff: |
            -2
            +3
          compare: ===
          ...
        1..2
    not ok 1 - adds # time=1ms
    1..1
not ok 1 - dist-test/test/a.test.js # time=10ms
1..1
`), `
failed: test/a.test.js > adds > two
  diff:
    -2
    +3
  compare: ===

test/a.test.js: 1 passed, 1 failed, 0 skipped (0.0 s)
1 passed, 1 failed, 0 skipped
`)
})

t.test('a file that fails without a failed assertion counts as one failure', async (t) => {
  t.equal(await report(`TAP version 14
# Subtest: dist-test/test/a.test.js
    ok 1 - one
    1..1
not ok 1 - dist-test/test/a.test.js # time=10ms
  ---
  exitCode: 3
  ...
1..1
`), `
failed: test/a.test.js
  exitCode: 3

test/a.test.js: 1 passed, 1 failed, 0 skipped (0.0 s)
1 passed, 1 failed, 0 skipped
`)
})

t.test('a skipped test is named with its reason, and what a test prints is passed on', async (t) => {
  t.equal(await report(`TAP version 14
# Subtest: dist-test/test/a.test.js
    a word from the test
    ok 1 - not here # SKIP there is no lake
    1..1
ok 1 - dist-test/test/a.test.js # time=10ms
1..1
`), `    a word from the test
skipped: test/a.test.js > not here: there is no lake
test/a.test.js: 0 passed, 0 failed, 1 skipped (0.0 s)
0 passed, 0 failed, 1 skipped
`)
})
