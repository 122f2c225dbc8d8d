import { availableParallelism } from 'node:os'
import { monotonicNow } from '../../lib/base/clock.js'
import { HELP_OPTION, parseOptions, wholeNumber } from '../../scripts/arguments.js'
import { runCommand, type Command } from '../../scripts/command.js'
import { Progress } from '../../scripts/progress.js'
import { runInProcesses } from './processes.js'
import { World, type Outcome } from './world.js'

const HELP = `Runs random histories of replicas, a bucket and clients in virtual time, and checks every response against a plain model.
A seed determines the whole history. Ends with exit code 1 if a history has a wrong response.

npm run simulate -- [--seeds N] [--seed S] [--jobs N] [--trace]

  --seeds N  the number of histories (default: 100)
  --seed S   the seed of the first one (default: 1); the others follow
  --jobs N   the number of processes (default: one for each processor)
  --trace    print each event, from one process
  --help     print this help`
const MAX_SEED = 2 ** 32 - 1
const MAX_JOBS = 256
/** The maximum number of failures that are printed. */
const MAX_FAILURES = 20

const OPTIONS = { ...HELP_OPTION, seeds: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' }, jobs: { type: 'string' }, trace: { type: 'boolean', default: false } } as const

const simulate: Command = async (argv, { stdout, stderr }) => {
  const options = parseOptions(argv, OPTIONS)
  if (options.help) return HELP
  const seeds = wholeNumber('--seeds', options.seeds, 1, MAX_SEED)
  const first = wholeNumber('--seed', options.seed, 0, MAX_SEED)
  const jobs = options.jobs === undefined ? availableParallelism() : wholeNumber('--jobs', options.jobs, 1, MAX_JOBS)
  const print = (line: string) => { stdout.write(line + '\n') }
  const progress = new Progress(seeds, stderr, monotonicNow)
  const startedAt = monotonicNow()
  let [failures, responses, missedImages, lateOutputs] = [0, 0, 0, 0]
  const count = (outcome: Outcome) => {
    responses += outcome.responses
    missedImages += outcome.missedImages
    lateOutputs += outcome.lateOutputs
    if (outcome.failure !== undefined && failures++ < MAX_FAILURES) print(`failed: seed ${outcome.seed}, ${outcome.failure} (replay: npm run simulate -- --seeds 1 --seed ${outcome.seed} --trace)`)
    progress.step()
  }
  const list = Array.from({ length: seeds }, (_, i) => (first + i) % (MAX_SEED + 1))
  if (options.trace) for (const seed of list) count(await new World(seed, print).run())
  else await runInProcesses(list, jobs, count)
  progress.end()
  const seconds = (monotonicNow() - startedAt) / 1000
  print(`${seeds} seeds, ${responses} responses, ${missedImages} misses of replaced images that decisions 19 and 21 allow, ${lateOutputs} late outputs that decision 29 allows, ${failures} failed (${(seeds / seconds).toFixed(1)} seeds a second)`)
  return failures === 0 ? 0 : 1
}

process.exitCode = await runCommand(simulate, process.argv.slice(2), process)
