import neostandard from 'neostandard'

export default [
  ...neostandard({ ts: true, ignores: ['dist/', 'tools/*/generated/', 'tools/*/.venv/', 'dist-test/', 'coverage/', '.tap/', 'lake/'] }),
  // A record's fields keep their names from the files to the responses: user_id, img_path, …
  { rules: { camelcase: 'off' } },
  {
    files: ['test/**'],
    rules: {
      'no-restricted-syntax': ['error', {
        selector: 'CallExpression[callee.object.name="t"][callee.property.name="match"] > ObjectExpression.arguments ArrayExpression[elements.length=0]',
        message: 'In t.match, [] matches every array. Write { length: 0 }, or compare with t.same.'
      }, {
        selector: 'CallExpression[callee.property.name="testdir"]',
        message: 'Use testFolder of test/support/test-folder.ts, which removes the folder after everything that t.teardown closes.'
      }]
    }
  },
  { files: ['test/support/test-folder.ts'], rules: { 'no-restricted-syntax': 'off' } }
]
