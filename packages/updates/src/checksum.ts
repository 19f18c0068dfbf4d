import { createHash } from 'node:crypto';
import { DownloadError, type DownloadOptions, download } from './download';

/** `auto` takes the strongest that the source publishes beside its file (`URL.sha256`, `URL.md5`), if any. */
export type ChecksumKind = 'auto' | 'sha256' | 'md5' | 'off';

const DIGITS: Readonly<Record<'sha256' | 'md5', number>> = { sha256: 64, md5: 32 };
/** A digest and the file's name. */
const LARGEST_CHECKSUM = 4096;

export class ChecksumError extends Error {
  readonly code = 'CHECKSUM_WRONG';
}

/**
 * Compares with the checksum that the source publishes.
 * @returns the kind of checksum that was right; null where there was none to compare with
 * @throws ChecksumError where it is not the same, DownloadError where a wanted checksum cannot be had
 */
export async function verifyChecksum(
  url: string,
  body: Buffer,
  kind: ChecksumKind,
  options: DownloadOptions,
): Promise<'sha256' | 'md5' | null> {
  if (kind === 'off') return null;
  for (const algorithm of kind === 'auto' ? (['sha256', 'md5'] as const) : [kind]) {
    const published = await publishedChecksum(`${url}.${algorithm}`, algorithm, kind === 'auto', options);
    if (published === null) continue;
    const own = createHash(algorithm).update(body).digest('hex');
    if (own === published) return algorithm;
    throw new ChecksumError(`${url}: ${algorithm} is ${own}, but the source says ${published}`);
  }
  return null;
}

async function publishedChecksum(
  url: string,
  algorithm: 'sha256' | 'md5',
  optional: boolean,
  { known: _, ...options }: DownloadOptions,
): Promise<string | null> {
  try {
    const answer = await download(url, { ...options, largest: LARGEST_CHECKSUM });
    const digest = new RegExp(`\\b[0-9a-f]{${DIGITS[algorithm]}}\\b`, 'i').exec(
      answer?.body.toString('latin1') ?? '',
    );
    if (digest) return digest[0].toLowerCase();
    throw new DownloadError(url, 'holds no checksum');
  } catch (error) {
    // What a source does not have it answers with one of these; anything else must not pass for "no checksum".
    if (optional && error instanceof DownloadError && [403, 404, 410].includes(error.status)) return null;
    throw error;
  }
}
