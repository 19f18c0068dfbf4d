import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { BatchRefused, type Transport } from '../delivery/transport';
import type { Batch } from '../spool/spool';
import { webhookSignature } from './signature';

export interface WebhookOptions {
  /** `https:` only. */
  url: string;
  /** Certificates of authorities, PEM; null: those the system trusts. */
  ca: string | null;
  /** False: any certificate will do. */
  verify: boolean;
  /** Key of the signature; null: not signed. */
  key: Buffer | null;
  /** Sent with every request, for example `authorization`. */
  headers: Readonly<Record<string, string>>;
  /** `json`: an array. `ndjson`: one record a line. */
  format: 'json' | 'ndjson';
  timeoutMilliseconds: number;
}

/** Answers that say: this body, never. Every other failure may be mended on the receiver's side. */
const REFUSALS: readonly number[] = [400, 413, 415, 422];

/**
 * Batches over HTTPS. `webhook-id` names the batch: a receiver that sees an id again has the batch already.
 * Redirections are not followed: what was configured is where events go.
 */
export class WebhookTransport implements Transport {
  readonly name: string;
  readonly settleMilliseconds = 0;
  onBroken: (() => void) | null = null;
  private readonly agent: Agent;
  private underWay: ClientRequest | null = null;

  constructor(private readonly options: WebhookOptions) {
    const { host, pathname } = new URL(options.url);
    // The query may hold a token, the path of some services too: what is told is enough to know the place.
    this.name = `webhook https://${host}${pathname.length > 1 ? '/…' : ''}`;
    this.agent = new Agent({
      keepAlive: true,
      maxSockets: 1,
      rejectUnauthorized: options.verify,
      ...(options.ca !== null && { ca: options.ca }),
    });
  }

  async send(batch: Batch): Promise<void> {
    const body = this.body(batch.lines);
    const status = await this.post(body, this.headers(batch, body));
    if (status >= 200 && status < 300) return;
    const message = `the answer was ${status}`;
    if (REFUSALS.includes(status)) throw new BatchRefused(message);
    throw new Error(message);
  }

  close(): void {
    this.underWay?.destroy(new Error('closed'));
    this.agent.destroy();
  }

  private body(lines: readonly string[]): string {
    return this.options.format === 'json' ? `[${lines.join(',\n')}]` : `${lines.join('\n')}\n`;
  }

  private headers(batch: Batch, body: string): Record<string, string> {
    const { key, format, headers } = this.options;
    const seconds = Math.floor(Date.now() / 1000);
    return {
      'user-agent': 'portcullis',
      ...headers,
      'content-type': format === 'json' ? 'application/json' : 'application/x-ndjson',
      'content-length': String(Buffer.byteLength(body)),
      'webhook-id': batch.id,
      'webhook-timestamp': String(seconds),
      ...(key && { 'webhook-signature': webhookSignature(key, batch.id, seconds, body) }),
      ...(batch.redelivered && { 'portcullis-redelivered': 'true' }),
    };
  }

  private post(body: string, headers: Record<string, string>): Promise<number> {
    const { url, timeoutMilliseconds } = this.options;
    return new Promise<number>((resolve, reject) => {
      const sent = request(url, { method: 'POST', agent: this.agent, headers });
      this.underWay = sent;
      const timer = setTimeout(
        () => sent.destroy(new Error(`no answer within ${timeoutMilliseconds / 1000} s`)),
        timeoutMilliseconds,
      );
      timer.unref();
      sent.once('response', (answer: IncomingMessage) => {
        // What a receiver says beyond the status is read away, for as long as the request may last.
        answer.resume();
        answer.once('end', () => resolve(answer.statusCode ?? 0));
        answer.once('error', reject);
      });
      sent.once('error', reject);
      sent.once('close', () => {
        clearTimeout(timer);
        this.underWay = null;
        reject(new Error('the connection was closed'));
      });
      sent.end(body);
    });
  }
}
