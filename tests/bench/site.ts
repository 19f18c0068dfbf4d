/** A lab with the servers that the workloads need: nginx with one worker, and iperf3. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Lab, type LabProcess, waitUntil } from '@portcullis/testkit';

export const HTTP_PORT = 80;
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
  }
}
`;

export class Site {
  readonly lab: Lab;

  private constructor(readonly folder: string) {
    this.lab = new Lab(LAB_PREFIX);
  }

  /** @param folder for the files of this site; is made. */
  static async open(folder: string): Promise<Site> {
    mkdirSync(folder, { recursive: true });
    const site = new Site(folder);
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
    return site;
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
