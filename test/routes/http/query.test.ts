import t from 'tap'
import { parameterCompiler, parametersSchema, parseQueryString } from '../../../routes/http/query.js'
import { integerParameter, listParameter } from '../../../routes/http/parameter.js'

const read = (schema: unknown) => parameterCompiler(() => undefined)({ schema: schema as never, httpPart: 'querystring', method: 'GET', url: '/' }) as (query: unknown) => { readonly value?: unknown, readonly error?: unknown }

t.test('equal query strings are parsed once', async (t) => {
  const parse = read(parametersSchema({ bin_width: integerParameter({ minimum: 1, maximum: 9, description: 'A width.', example: 5 }) }))
  const text = 'bin_width=7'
  t.equal(parseQueryString(text), parseQueryString(`${text}`))
  t.same(parse(parseQueryString(text)), { value: { bin_width: 7 } })
  t.equal(parse(parseQueryString(text)).value, parse(parseQueryString(text)).value)
  const wrong = parseQueryString('bin_width=70')
  t.ok(parse(wrong).error)
  t.ok(parse(wrong).error, 'an error is not cached as a value')
})

t.test('the values of a query string depend on the schema that parses it', async (t) => {
  const [numbers, texts] = [
    parametersSchema({ a: integerParameter({ minimum: 0, maximum: 9, description: 'A number.', example: 1 }) }),
    parametersSchema({ a: listParameter({ description: 'Texts.', example: ['1'], accepted: 'texts' }) })
  ]
  t.same([read(numbers)(parseQueryString('a=1')), read(texts)(parseQueryString('a=1'))], [{ value: { a: 1 } }, { value: { a: ['1'] } }])
})

t.test('more parameters than the default limit of node:querystring are parsed', async (t) => {
  const { a } = parseQueryString(Array.from({ length: 1500 }, (_, i) => `a=${i}`).join('&'))
  t.equal(a?.length, 1500)
})
