/** A lab with the servers that the workloads need: nginx with one worker, and iperf3. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Lab, type LabProcess, waitUntil } from '@portcullis/testkit';

import { makePayload, PAYLOAD_BYTES, type PayloadName, payloadNames } from './payloads';
import { ATTACK_LOG, ATTACK_PATH, plantAttack } from './planted-attack';

export const HTTP_PORT = 80;
/** Takes what the other server has read to its end. */
const SINK_PORT = 8080;
export const UPLOAD_PATH = '/upload';
const IPERF_PORT = 5201;
export const LAB_PREFIX = 'pcbench';

/** A short page, so that requests are measured and not bytes. */
const PAGE = 'It works. '.repeat(10);

const nginxConfiguration = (folder: string) => `
worker_processes 1;
daemon off;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen ${HTTP_PORT} backlog=4096 default_server;
    default_type text/plain;
    location / { return 200 '${PAGE}'; }
    location = ${ATTACK_PATH} {
      access_log ${folder}/${ATTACK_LOG};
      return 200 '${PAGE}';
    }
    # A proxy has read the body to its end before it answers; a mere \`return\` has not.
    location = ${UPLOAD_PATH} {
      client_body_buffer_size ${PAYLOAD_BYTES};
      client_max_body_size ${PAYLOAD_BYTES};
      proxy_pass http://127.0.0.1:${SINK_PORT}/;
      proxy_pass_request_body off;
      proxy_set_header Content-Length '';
    }
  }
  server {
    listen 127.0.0.1:${SINK_PORT};
    location / { return 204; }
  }
}
`;

export class Site {
  readonly lab: Lab;

  private constructor(readonly folder: string) {
    this.lab = new Lab(LAB_PREFIX);
  }

  /** @param folder for the files of this site; is made. @param ruleFile what bodies nearly match */
  static async open(folder: string, ruleFile: string | null = null): Promise<Site> {
    mkdirSync(folder, { recursive: true });
    const site = new Site(folder);
    for (const name of payloadNames) writeFileSync(site.payload(name), makePayload(name, ruleFile));
    const { lab } = site;
    // A new connection per request uses up ports faster than TIME_WAIT gives them back.
    await lab.run('attacker', ['sh', '-c', setAll({ ip_local_port_range: '1024 65535', tcp_tw_reuse: '1' })]);
    await lab.run('server', ['sh', '-c', 'echo 4096 > /proc/sys/net/core/somaxconn']);
    const configuration = join(folder, 'nginx.conf');
    writeFileSync(configuration, nginxConfiguration(folder));
    const servers: LabProcess[] = [
      lab.spawn('server', ['nginx', '-p', folder, '-c', configuration]),
      lab.spawn('server', ['iperf3', '-s', '-p', String(IPERF_PORT)]),
    ];
    await waitUntil(() => listening(lab, servers), { timeout: 10_000, what: 'nginx and iperf3' });
    if (await plantAttack(lab, HTTP_PORT, folder))
      throw new Error('an attack does not reach the server although there is no engine yet');
    return site;
  }

  /** Sends an attack from the client. @returns whether it was stopped */
  attack(): Promise<boolean> {
    return plantAttack(this.lab, HTTP_PORT, this.folder);
  }

  /** File with a body to be sent. */
  payload(name: PayloadName): string {
    return join(this.folder, `${name}.body`);
  }
}

const setAll = (settings: Record<string, string>) =>
  Object.entries(settings)
    .map(([name, value]) => `echo ${value} > /proc/sys/net/ipv4/${name}`)
    .join('; ');

async function listening(lab: Lab, servers: readonly LabProcess[]): Promise<boolean> {
  const ended = servers.find((server) => !server.running);
  if (ended) throw new Error(`${ended.argv[0]} ended: ${ended.stderr}`);
  const sockets = await lab.run('server', ['ss', '-ltnH']);
  return [HTTP_PORT, IPERF_PORT].every((port) => new RegExp(`:${port}\\s`).test(sockets));
}
