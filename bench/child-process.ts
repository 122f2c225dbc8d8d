import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const children = new Set<ChildProcess>()

/** A child process of the benchmark. It is killed when the benchmark ends. */
export interface Child {
  readonly pid: number
  /** The first line that it printed, parsed as JSON. */
  readonly firstLine: any
  /** Sends a message and returns the next message that the process sends. One request at a time. */
  request (message: object): Promise<any>
  /** Sends SIGTERM and waits until the process has ended. */
  stop (): Promise<void>
}

interface StartOptions {
  readonly env?: Record<string, string>
  readonly execArgv?: readonly string[]
}

/** Starts a module, named relative to this folder, in a child process and waits until it prints a line of JSON. */
export async function startNode (module: string, args: readonly string[] = [], { env = {}, execArgv = [] }: StartOptions = {}): Promise<Child> {
  const child = spawn(process.execPath, [...execArgv, pathOf(module), ...args], {
    env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit', 'ipc'], serialization: 'advanced', detached: true
  })
  const lines = createInterface({ input: child.stdout! })
  const [line] = await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(() => { throw new Error(`${module} ended before it was ready`) })
  ]) as [string]
  // The rest of the output is read and discarded: a full pipe would block the process.
  lines.close()
  child.stdout!.resume()
  const request = async (message: object) => {
    const reply = once(child, 'message')
    child.send(message)
    return (await reply)[0]
  }
  return { ...track(child), firstLine: JSON.parse(line), request }
}

/** Returns the path of a module that is named relative to this folder. */
export function pathOf (module: string): string {
  return fileURLToPath(new URL(module, import.meta.url))
}

/** Registers a process to be killed, with all its children, when the benchmark ends. It must have been spawned with `detached`. */
export function track (child: ChildProcess): Pick<Child, 'pid' | 'stop'> {
  children.add(child)
  const exit = once(child, 'exit').then(() => { children.delete(child) })
  return {
    pid: child.pid!,
    stop: async () => {
      child.kill('SIGTERM')
      await exit
    }
  }
}

process.on('exit', () => children.forEach(({ pid }) => {
  try {
    process.kill(-pid!, 'SIGKILL')
  } catch {} // the process has ended already
}))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

/** Returns whether the command is on the PATH. */
export function isInstalled (command: string): boolean {
  return spawnSync('which', [command]).status === 0
}

/** The CPU time that all threads of a process have used, in seconds. Linux only. */
export function cpuSeconds (pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`)
  return tasks.reduce((sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]), 0) / 1e9
}

/** The resident memory of a process and its peak so far, in bytes. Linux only. */
export function memory (pid: number): { readonly now: number, readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)![1]) * 1024
  return { now: bytes('VmRSS'), peak: bytes('VmHWM') }
}
