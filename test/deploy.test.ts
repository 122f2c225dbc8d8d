import { readdirSync, readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import Fastify from 'fastify'
import t from 'tap'
import { parse } from 'yaml'
import { parseDuration } from '../lib/base/duration.js'
import { parseSize } from '../lib/base/size.js'
import { ApiKeys } from '../plugins/access/api-keys.js'
import config from '../plugins/config.js'
import { SettingsSchema } from '../plugins/config/settings.js'
import { build } from './support/app.js'

/** Milliseconds that a shutdown takes at most after SHUTDOWN_DELAY and SHUTDOWN_TIMEOUT. */
const CLOSE_MS = 3000

const folder = 'deploy/kubernetes'
const read = (path: string) => parse(readFileSync(`${folder}/${path}`, 'utf8'))
const base = read('base/kustomization.yaml')
const { spec: deployment } = read('base/deployment.yaml')
const { spec: pod, metadata: podMetadata } = deployment.template
const [container] = pod.containers
const settings = parseEnv(readFileSync(`${folder}/base/settings.env`, 'utf8')) as Record<string, string>
const ownSettings = Object.fromEntries(Object.entries(settings).filter(([name]) => name in SettingsSchema.properties))
const secret = read('secret.example.yaml')
const packageVersion: string = JSON.parse(readFileSync('package.json', 'utf8')).version
const unit = readFileSync('deploy/systemd/userlake.service', 'utf8')
const unitValue = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1]

/** Every setting, with its default if `values` does not have it. @throws {Error} if a value is invalid */
async function complete (values: Record<string, string>) {
  const fastify = Fastify()
  await fastify.register(config, { settings: values })
  return fastify.config
}

const longestShutdown = async (values: Record<string, string>) => {
  const { SHUTDOWN_DELAY: delay, SHUTDOWN_TIMEOUT: timeout } = await complete(values)
  return parseDuration(delay)! + parseDuration(timeout)! + CLOSE_MS
}

t.test('each file of a kustomization is one of its resources or patches', async (t) => {
  for (const name of ['base', 'replicas', 'clickhouse']) {
    const { resources = [], patches = [], configMapGenerator = [] } = read(`${name}/kustomization.yaml`)
    const named = [...resources, ...patches.flatMap(({ path }: { path?: string }) => path ?? []), ...configMapGenerator.flatMap(({ envs = [] }: { envs?: string[] }) => envs)]
    t.same(named.filter((file) => !file.startsWith('..')).sort(), readdirSync(`${folder}/${name}`).filter((file) => file !== 'kustomization.yaml').sort(), name)
  }
})

t.test('the alert about memory comes before the limit of the container, where the process would be killed', async (t) => {
  const [, threshold] = /process_resident_memory_bytes\{job="userlake"\} > (\S+)/.exec(readFileSync('deploy/prometheus/alerts.yaml', 'utf8'))!
  t.ok(Number(threshold) < 0.9 * parseSize(`${container.resources.limits.memory}B`)!, `threshold ${threshold}`)
})

t.test('the kustomization in the documentation replaces the image by the name that base has given to it', async (t) => {
  t.match(readFileSync('docs/operations.md', 'utf8'), `{ name: ${base.images[0].newName}, newName: `)
})

t.test('the settings of Kubernetes are settings of the service or of AWS, and valid', async (t) => {
  for (const name of Object.keys(settings)) t.ok(name in SettingsSchema.properties || name.startsWith('AWS_'), name)
  t.match(await complete(ownSettings), { LAKE_URL: 's3://datalake', ALLOWED_HOSTS: '' })
  for (const literal of read('replicas/kustomization.yaml').configMapGenerator[0].literals) {
    const [name, value] = literal.split('=')
    await t.resolves(complete({ ...ownSettings, [name]: value }), literal)
  }
  const engine = parseEnv(readFileSync(`${folder}/clickhouse/settings.env`, 'utf8')) as Record<string, string>
  for (const name of Object.keys(engine)) t.ok(name in SettingsSchema.properties, name)
  await t.resolves(complete({ ...ownSettings, ...engine, ENGINE_PASSWORD: 'x' }))
  const { NODE_OPTIONS: ofCompose, ...environment } = parse(readFileSync('compose.clickhouse.yaml', 'utf8')).services.userlake.environment
  for (const name of Object.keys(environment)) t.ok(name in SettingsSchema.properties, name)
  await t.resolves(complete(environment))
  const [ofKubernetes] = read('clickhouse/engine.yaml').spec.template.spec.containers[0].env.filter(({ name }: { name: string }) => name === 'NODE_OPTIONS')
  t.match(readFileSync('docs/scaling.md', 'utf8'), `NODE_OPTIONS='${ofCompose}'`)
  t.equal(ofKubernetes.value, ofCompose)
})

t.test('the probes of Kubernetes are routes of the service, at its port', async (t) => {
  const { app } = await build(t)
  for (const probe of ['readinessProbe', 'livenessProbe']) {
    const { path, port } = container[probe].httpGet
    t.ok(app.hasRoute({ method: 'GET', url: path }), path)
    t.equal(port, container.ports[0].name)
  }
  t.same([container.readinessProbe, container.livenessProbe].map(({ httpGet }) => httpGet.path), ['/readyz', '/livez'])
  t.equal(container.ports[0].containerPort, (await complete(ownSettings)).PORT)
  t.equal(read('base/service.yaml').spec.ports[0].targetPort, container.ports[0].name)
  t.equal(read('base/networkpolicy.yaml').spec.ingress[0].ports[0].port, container.ports[0].name)
})

t.test('no probe of Kubernetes restarts a pod that waits for the lake', async (t) => {
  const { app } = await build(t) // a service that has not read the lake yet
  for (const probe of ['startupProbe', 'livenessProbe']) {
    if (container[probe] !== undefined) t.equal((await app.inject(container[probe].httpGet.path)).statusCode, 200, probe)
  }
  t.equal((await app.inject(container.readinessProbe.httpGet.path)).statusCode, 503)
})

t.test('Kubernetes and systemd wait longer than a shutdown takes', async (t) => {
  t.ok(pod.terminationGracePeriodSeconds * 1000 > await longestShutdown(ownSettings))
  t.ok(Number(unitValue('TimeoutStopSec')) * 1000 > await longestShutdown({}))
  const { periodSeconds, failureThreshold } = container.readinessProbe
  t.ok(parseDuration(settings.SHUTDOWN_DELAY!)! > periodSeconds * failureThreshold * 1000, 'the readiness probe fails before connections are closed')
})

t.test('the pod conforms to the restricted Pod Security Standard, as the user of the image', async (t) => {
  const [, uid, gid] = /^USER (\d+):(\d+)$/m.exec(readFileSync('Containerfile', 'utf8'))!
  t.match(pod.securityContext, { runAsNonRoot: true, runAsUser: Number(uid), runAsGroup: Number(gid), fsGroup: Number(gid), seccompProfile: { type: 'RuntimeDefault' } })
  t.same(container.securityContext, { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } })
  t.equal(pod.automountServiceAccountToken, false)
  t.equal(pod.serviceAccountName, read('base/serviceaccount.yaml').metadata.name)
  t.equal(pod.containers.length, 1)
})

t.test('the image has the version of this release', async (t) => {
  t.equal(container.image, base.images[0].name)
  t.equal(base.images[0].newTag, packageVersion)
  t.match(readFileSync('Containerfile', 'utf8'), `org.opencontainers.image.version="${packageVersion}"`)
})

t.test('every selector selects the pods of the deployment', async (t) => {
  const { labels } = podMetadata
  t.same(deployment.selector.matchLabels, labels)
  t.same(read('base/service.yaml').spec.selector, labels)
  t.same(read('base/poddisruptionbudget.yaml').spec.selector.matchLabels, labels)
  t.same(read('base/networkpolicy.yaml').spec.podSelector.matchLabels, labels)
  const { topologySpreadConstraints } = read('replicas/spread.yaml').spec.template.spec
  t.ok(topologySpreadConstraints.length > 0)
  for (const { labelSelector } of topologySpreadConstraints) t.same(labelSelector.matchLabels, labels)
})

t.test('the Secret has the files that the settings name, with keys that the service accepts', async (t) => {
  const [{ mountPath, name: volume }] = container.volumeMounts
  t.equal(pod.volumes.find(({ name }: { name: string }) => name === volume).secret.secretName, secret.metadata.name)
  t.same(Object.keys(secret.stringData).map((name) => `${mountPath}/${name}`).sort(), [settings.AWS_SHARED_CREDENTIALS_FILE, settings.API_KEYS_FILE].sort())
  t.doesNotThrow(() => new ApiKeys(secret.stringData['api-keys']))
})

t.test('Prometheus scrapes each pod with a key of the scope metrics, which the Secret has', async (t) => {
  const { scrape_configs: [scrape] } = parse(readFileSync('deploy/prometheus/scrape-kubernetes.yaml', 'utf8'))
  t.match(scrape.authorization.credentials_file, /^\//)
  const [{ role, selectors: [{ label }] }] = scrape.kubernetes_sd_configs
  t.equal(role, 'pod')
  t.same([label], Object.entries(podMetadata.labels).map(([name, value]) => `${name}=${value}`))
  t.same(scrape.relabel_configs.filter(({ action }: { action?: string }) => action === 'keep').map(({ regex }: { regex: string }) => regex), [container.ports[0].name])
  t.match(secret.stringData['api-keys'], /^prometheus:metrics:/m)
  t.equal(podMetadata.annotations, undefined, 'annotations for scrapes cannot send a key')
  t.match(readFileSync('deploy/prometheus/alerts.yaml', 'utf8'), `absent(up{job="${scrape.job_name}"})`)
})

t.test('a single replica shares no listings, several do, and a node can always be drained', async (t) => {
  const replicas = read('replicas/kustomization.yaml')
  t.equal(deployment.replicas, 1)
  t.equal(settings.SHARE_LISTINGS, 'false')
  t.ok(replicas.replicas[0].count > 1)
  t.same(replicas.configMapGenerator[0].literals, ['SHARE_LISTINGS=true'])
  t.equal(read('base/poddisruptionbudget.yaml').spec.maxUnavailable, 1)
})

t.test('the systemd unit starts the server itself, so that a signal reaches it once', async (t) => {
  t.match(unitValue('ExecStart'), /^\/usr\/bin\/node \/\S+\/dist\/server\.js$/)
  t.equal(unitValue('KillMode'), 'mixed')
  t.match(readFileSync('Containerfile', 'utf8'), new RegExp(unitValue('Environment')!.split(' ')[1]!), 'the threshold of malloc is that of the image')
  t.notMatch(unit, /^MemoryDenyWriteExecute/m, 'V8 compiles')
})
