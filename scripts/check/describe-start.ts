import { isIPv6 } from 'node:net'
import { outputKeyOf } from '../../lib/transformer.js'
import { CREDENTIAL_SETTINGS, describeAnonymousAccess } from '../../plugins/access/anonymous.js'
import { toFormats } from '../../plugins/config.js'
import type { Settings } from '../../plugins/config/settings.js'
import { isLoopback } from '../../plugins/request-checks/host.js'

/** What a start with these settings would do, in lines: where it listens, what it publishes, and which requests it accepts. */
export function describeStart (config: Settings): string {
  const lines = [describeAddress(config), describePublishing(config), describeCredentials(config)]
  return `a start with these settings:\n${lines.map((line) => `  ${line}\n`).join('')}`
}

function describeAddress ({ HOST: host, PORT: port }: Settings): string {
  const name = isIPv6(host) ? `[${host}]` : host
  const address = port === 0 ? `a free port of ${name}` : `${name}:${port}`
  return `listens on ${address}, which ${isLoopback(host) ? 'only this machine' : 'other machines'} can reach`
}

function describePublishing ({ PUBLISH, OUTPUT_KEY, OUTPUT_FORMATS, AGGREGATE_INTERVAL }: Settings): string {
  if (!PUBLISH) return 'publishes nothing: PUBLISH=false'
  const outputs = toFormats(OUTPUT_FORMATS).map((format) => `${outputKeyOf(OUTPUT_KEY, format)} (${format})`)
  return `publishes ${outputs.join(' and ')}, at the start and every ${AGGREGATE_INTERVAL} (whether the lake may be written is not tested here: userlake doctor)`
}

function describeCredentials (config: Settings): string {
  const sources = CREDENTIAL_SETTINGS.filter((name) => config[name] !== '')
  if (sources.length > 0) return `requires credentials: ${sources.join(', ')}`
  return `requires no credentials: ${describeAnonymousAccess(config)}`
}
