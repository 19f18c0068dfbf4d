import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';

/** Several times what the largest rule sets have. */
const LARGEST_DOWNLOAD = 128 * 1024 * 1024;
const MOST_REDIRECTIONS = 5;
/** Milliseconds for the whole of a download: a server that sends a byte a second does not hold an update for ever. */
const DEADLINE = 10 * 60_000;

export interface DownloadOptions {
  headers?: Readonly<Record<string, string>>;
  /** Authorities to trust instead of the system's, PEM. */
  ca?: string;
  /** Milliseconds of silence after which the server is given up. Default 30 000. */
  timeout?: number;
  /** What was fetched last: the server is asked only for what is newer. */
  known?: { etag?: string | undefined; lastModified?: string | undefined };
  /** Bytes. Default 128 MiB. */
  largest?: number;
}

export interface Downloaded {
  body: Buffer;
  etag: string | undefined;
  lastModified: string | undefined;
}

export class DownloadError extends Error {
  readonly code = 'DOWNLOAD_FAILED';
  constructor(
    readonly url: string,
    readonly reason: string,
    /** HTTP status; 0 where there was no answer. */
    readonly status = 0,
  ) {
    super(`${url}: ${reason}`);
    this.name = 'DownloadError';
  }
}

/**
 * Fetches over HTTPS, following redirections to HTTPS.
 * @returns null where the server says that nothing has changed
 * @throws DownloadError; also where less came than was announced, or more than allowed
 */
export async function download(url: string, options: DownloadOptions = {}): Promise<Downloaded | null> {
  const deadline = AbortSignal.timeout(DEADLINE);
  let at = url;
  for (let redirections = 0; redirections <= MOST_REDIRECTIONS; redirections++) {
    const answer = await request(at, options, deadline);
    const status = answer.statusCode ?? 0;
    if (status === 200) return await take(at, answer, options.largest ?? LARGEST_DOWNLOAD);
    answer.destroy();
    if (status === 304) return null;
    const { location } = answer.headers;
    if (![301, 302, 303, 307, 308].includes(status) || location === undefined)
      throw new DownloadError(
        at,
        `the server answered ${status} ${answer.statusMessage ?? ''}`.trim(),
        status,
      );
    at = absolute(location, at);
  }
  throw new DownloadError(url, `more than ${MOST_REDIRECTIONS} redirections`);
}

function absolute(location: string, base: string): string {
  let next: URL;
  try {
    next = new URL(location, base);
  } catch {
    throw new DownloadError(base, 'redirects to what is no address');
  }
  if (next.protocol !== 'https:')
    throw new DownloadError(base, `redirects to ${next.protocol}//, not to https`);
  return next.href;
}

function request(url: string, options: DownloadOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const { headers, ca, timeout = 30_000, known = {} } = options;
  const conditions = {
    ...(known.etag !== undefined && { 'if-none-match': known.etag }),
    ...(known.lastModified !== undefined && { 'if-modified-since': known.lastModified }),
  };
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => reject(new DownloadError(url, reason));
    const asked = get(url, {
      // No content coding: what is compressed on the way is no longer what the checksum is of.
      headers: { 'user-agent': 'portcullis', 'accept-encoding': 'identity', ...headers, ...conditions },
      ...(ca !== undefined && { ca }),
      signal,
      timeout,
    });
    asked.once('timeout', () => asked.destroy(new Error(`no answer for ${timeout / 1000} s`)));
    asked.once('error', (error) => fail(signal.aborted ? 'took too long' : error.message));
    asked.once('response', resolve);
  });
}

async function take(url: string, answer: IncomingMessage, largest: number): Promise<Downloaded> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > largest) throw new Error(`is larger than ${largest} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    const reason = answer.complete
      ? (error as Error).message
      : `broke off after ${size} bytes: ${(error as Error).message}`;
    throw new DownloadError(url, reason);
  }
  const { etag, 'last-modified': lastModified } = answer.headers;
  return { body: Buffer.concat(chunks), etag, lastModified };
}
