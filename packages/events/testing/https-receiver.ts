import type { IncomingHttpHeaders } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Duplex } from 'node:stream';
import { selfMadeCertificate } from '@portcullis/testkit';

export const certificate = selfMadeCertificate();

export interface Received {
  headers: IncomingHttpHeaders;
  body: string;
  /** Null: it was not answered. */
  answer: number | null;
}

/** An HTTPS server that can go away and come back on its port. */
export class HttpsReceiver {
  readonly requests: Received[] = [];
  port = 0;
  status = 200;
  /** Requests are read and never answered. */
  silent = false;
  private server: Server | null = null;
  private readonly sockets = new Set<Duplex>();

  async start(): Promise<void> {
    const server = createServer(certificate, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('error', () => undefined);
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const answer = this.silent ? null : this.status;
        this.requests.push({ headers: request.headers, body: Buffer.concat(chunks).toString(), answer });
        if (answer !== null) response.writeHead(answer, { location: '/elsewhere' }).end('thank you');
      });
    });
    server.on('tlsClientError', () => undefined);
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    this.server = server;
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as { port: number }).port;
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = null;
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  }

  /** `flow_id` of every record that came, in order. */
  get taken(): number[] {
    return this.requests.flatMap(({ body }) =>
      JSON.parse(body).map((record: { flow_id: number }) => record.flow_id),
    );
  }

  /** The same of those it has said to have, each batch once: one that comes again bears its id again. */
  get accepted(): number[] {
    const batches = new Map<unknown, string>();
    for (const { headers, body, answer } of this.requests)
      if (answer !== null && answer < 300) batches.set(headers['webhook-id'], body);
    return [...batches.values()].flatMap((body) =>
      JSON.parse(body).map((record: { flow_id: number }) => record.flow_id),
    );
  }
}
