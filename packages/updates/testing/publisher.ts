import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { selfMadeCertificate } from '@portcullis/testkit';
import { Header } from 'tar';

/** An entry of a tar archive as an attacker could write it: nothing is checked. */
export interface Entry {
  path: string;
  text?: string;
  type?: 'File' | 'Directory' | 'SymbolicLink' | 'Link' | 'CharacterDevice' | 'FIFO';
  linkpath?: string;
}

const BLOCK = 512;

/** A tar archive, compressed. */
export function archive(entries: readonly Entry[]): Buffer {
  const blocks: Buffer[] = [];
  for (const { path, text = '', type = 'File', linkpath } of entries) {
    const content = Buffer.from(text);
    const header = new Header({
      path,
      type,
      size: content.length,
      mode: 0o644,
      ...(linkpath && { linkpath }),
    });
    header.encode();
    blocks.push(header.block as Buffer, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK));
  }
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]));
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A place that publishes files over HTTPS. */
export class Publisher {
  /** Paths asked for, in order. */
  readonly asked: string[] = [];
  private readonly answers = new Map<string, Answer>();
  private constructor(
    private readonly server: Server,
    readonly ca: string,
  ) {}

  static async start(): Promise<Publisher> {
    const { key, cert } = selfMadeCertificate();
    const server = createServer({ key, cert });
    const publisher = new Publisher(server, cert);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const path = request.url ?? '';
      publisher.asked.push(path);
      const answer = publisher.answers.get(path);
      if (answer) answer(request, response);
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return publisher;
  }

  url(path: string): string {
    return `https://127.0.0.1:${(this.server.address() as AddressInfo).port}${path}`;
  }

  on(path: string, answer: Answer): void {
    this.answers.set(path, answer);
  }

  /** Publishes a file with its checksum, and answers 304 to those who have it. */
  publish(path: string, body: Buffer, { md5 = createHash('md5').update(body).digest('hex') } = {}): void {
    const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"`;
    this.on(path, (request, response) => {
      if (request.headers['if-none-match'] === etag) response.writeHead(304).end();
      else response.writeHead(200, { etag, 'content-length': body.length }).end(body);
    });
    this.on(`${path}.md5`, (_, response) => response.end(`${md5}\n`));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
