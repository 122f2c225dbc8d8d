import t from 'tap'
import { chunksOf, identifier, isOneOf, join, number, parameter, raw, render, sql, text } from '../../../lib/clickhouse/sql.js'

t.test('values become parameters, numbered in the order of the text', async (t) => {
  const condition = sql`${identifier('a`b')} = ${text('x')} AND ${join([number(1), number(1.5)], ' < ')}`
  t.same(render(sql`SELECT 1 WHERE ${condition} OR ${parameter([1], 'Array(Int64)')}`), {
    query: 'SELECT 1 WHERE `a\\`b` = {p0:String} AND {p1:Int64} < {p2:Float64} OR {p3:Array(Int64)}',
    query_params: { p0: 'x', p1: 1, p2: 1.5, p3: [1] }
  })
  t.same(render(sql`SELECT ${join([], ', ')}1`), { query: 'SELECT 1', query_params: {} })
})

t.test('a long text is bound in pieces, none of which ends within a character', async (t) => {
  const long = `x${'😀'.repeat(40_000)}`
  const { query, query_params: params } = render(text(long))
  t.equal(query, 'concat({p0:String}, {p1:String}, {p2:String})')
  const pieces = Object.values(params) as string[]
  t.equal(pieces.join(''), long)
  for (const piece of pieces) t.ok(Buffer.from(piece).toString() === piece)
})

t.test('a set is bound in as many parameters as it needs', async (t) => {
  t.equal(render(isOneOf(raw('key'), [], 'String')).query, '0')
  const values = Array.from({ length: 10_000 }, (_, i) => `user-${i}`)
  const { query, query_params: params } = render(isOneOf(raw('key'), [...values, 'y'.repeat(40_000)], 'String'))
  t.match(query, /^\(key IN \{p0:Array\(String\)\} OR .* OR key = concat\(.*\)\)$/)
  t.same(Object.values(params).filter(Array.isArray).flat(), values)
  t.same(chunksOf([1, 2, 3], () => 29_000), [[1], [2], [3]])
  t.same(chunksOf([], () => 1), [])
})
