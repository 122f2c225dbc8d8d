import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { track } from './child.js'

/** Serves the files of a folder by nginx with one worker, whose pid it answers. */
export async function startNginx (folder: string): Promise<{ readonly pid: number, readonly url: string }> {
  const port = await freePort()
  chmodSync(folder, 0o755) // a worker of root's is another user
  writeFileSync(`${folder}/nginx.conf`, `
    worker_processes 1; daemon off; error_log ${folder}/nginx.log; pid ${folder}/nginx.pid;
    events { worker_connections 256; }
    http {
      access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; types { application/json json; }
      ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/nginx-temp;`).join(' ')}
      server { listen 127.0.0.1:${port}; root ${folder}; open_file_cache max=100; }
    }`)
  const { pid } = track(spawn('nginx', ['-c', `${folder}/nginx.conf`], { stdio: 'ignore', detached: true }))
  for (let i = 0; ; i++) {
    await sleep(50)
    const workers = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    if (workers !== '') return { pid: Number(workers), url: `http://127.0.0.1:${port}` }
    if (i === 100) throw new Error('nginx does not start')
  }
}

async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
