import neostandard from 'neostandard'

export default [
  ...neostandard({ ts: true, ignores: ['dist/', 'tools/*/generated/', 'tools/*/.venv/', 'dist-test/', 'coverage/', '.tap/', 'lake/'] }),
  // A record's fields keep their names from the files to the responses: user_id, img_path, …
  { rules: { camelcase: 'off' } }
]
