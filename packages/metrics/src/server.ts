import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

export interface MetricsAddress {
  host: string;
  port: number;
}

/** `127.0.0.1:9477`, `[::1]:9477` → host and port. */
export function parseListenAddress(text: string): MetricsAddress {
  const match = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([0-9A-Za-z.-]{1,253})):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (!host || !(port <= 65535)) throw new RangeError(`'${text}' is not HOST:PORT`);
  return { host, port };
}

/** Serves `/metrics` in Prometheus text form, and `/healthz`. */
export class MetricsServer {
  private readonly server: Server;

  constructor(
    private readonly registry: Registry,
    private readonly healthy: () => boolean,
  ) {
    this.server = createServer((request, response) => {
      const path = (request.url ?? '').split('?', 1)[0];
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.writeHead(405, { Allow: 'GET, HEAD' }).end();
      } else if (path === '/metrics') {
        this.registry.metrics().then(
          (text) => response.writeHead(200, { 'Content-Type': this.registry.contentType }).end(text),
          (error: Error) => response.writeHead(500).end(`${error.message}\n`),
        );
      } else if (path === '/healthz') {
        const ok = this.healthy();
        response
          .writeHead(ok ? 200 : 503, { 'Content-Type': 'text/plain' })
          .end(ok ? 'ok\n' : 'not protecting\n');
      } else {
        response.writeHead(404, { 'Content-Type': 'text/plain' }).end('see /metrics\n');
      }
    });
    this.server.headersTimeout = 5000;
    this.server.requestTimeout = 5000;
    this.server.maxConnections = 64;
  }

  /** @returns the address really listened on (the port may have been 0) */
  async listen(address: MetricsAddress): Promise<MetricsAddress> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(address.port, address.host, () => resolve());
    });
    return { host: address.host, port: (this.server.address() as AddressInfo).port };
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}
