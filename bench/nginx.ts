import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { track } from './child-process.js'

export interface Nginx {
  /** The id of the worker process. */
  readonly pid: number
  readonly url: string
  stop (): Promise<void>
}

/** Starts nginx with one worker that serves the files of a folder. */
export async function startNginx (folder: string): Promise<Nginx> {
  const port = await freePort()
  chmodSync(folder, 0o755) // if nginx is started by root, its worker runs as another user
  writeFileSync(`${folder}/nginx.conf`, `
    worker_processes 1; daemon off; error_log ${folder}/nginx.log; pid ${folder}/nginx.pid;
    events { worker_connections 256; }
    http {
      access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; default_type application/json;
      ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/nginx-temp;`).join(' ')}
      server { listen 127.0.0.1:${port}; root ${folder}; open_file_cache max=100; }
    }`)
  const { pid, stop } = track(spawn('nginx', ['-c', `${folder}/nginx.conf`], { stdio: 'ignore', detached: true }))
  for (let i = 0; ; i++) {
    await sleep(50)
    const worker = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    if (worker !== '') return { pid: Number(worker), url: `http://127.0.0.1:${port}`, stop }
    if (i === 100) throw new Error('nginx did not start within 5 s')
  }
}

export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
