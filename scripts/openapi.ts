import { writeFileSync } from 'node:fs'
import Fastify from 'fastify'
import app, { serverOptions } from '../app.js'

// Writes openapi.json, the response of GET /openapi.json. The lake is not read and need not exist.
const fastify = Fastify(serverOptions)
await fastify.register(app, { settings: { LAKE_URL: 'file:./lake' } })
const { body } = await fastify.inject('/openapi.json')
await fastify.close()
writeFileSync('openapi.json', body)
