import { writeFileSync } from 'node:fs'
import Fastify from 'fastify'
import app, { serverOptions } from '../app.js'

// Writes openapi.json, as GET /openapi.json answers it. Nothing is read: the lake need not be there.
const fastify = Fastify(serverOptions)
await fastify.register(app, { settings: { LAKE_URL: 'file:./lake' } })
const { body } = await fastify.inject('/openapi.json')
await fastify.close()
writeFileSync('openapi.json', body)
