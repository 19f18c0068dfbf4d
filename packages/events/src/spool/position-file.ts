import { randomBytes } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

/** How far a spool is delivered. Sequence numbers count the records of a spool from 0, over restarts. */
export interface Progress {
  /** Names the spool in the ids of its batches. */
  spool: string;
  /** Everything before this sequence number is delivered, or given up. */
  acknowledged: number;
  /** What was given to the transport ends here; behind `acknowledged` it may or may not have arrived. */
  sending: number;
}

const SLOT = 128;

/**
 * The progress of a spool in two slots of 128 bytes, written by turns: a slot that was torn in the middle leaves the
 * other. Not synchronised with the disk: after a power failure an older progress is found, and records are sent again.
 */
export class PositionFile {
  private turn = 0;
  private pending: Progress | null = null;
  private running: Promise<void> | null = null;

  private constructor(
    private readonly file: FileHandle,
    readonly initial: Progress,
    /** Neither slot could be read: a new spool, or a damaged one. */
    readonly fresh: boolean,
  ) {}

  static async open(path: string): Promise<PositionFile> {
    const file = await open(path, 'a+', 0o640).then(async (created) => {
      await created.close();
      return open(path, 'r+');
    });
    const bytes = Buffer.alloc(2 * SLOT);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    const slots = [0, SLOT].map((start) =>
      readSlot(bytes.subarray(start, Math.min(bytesRead, start + SLOT))),
    );
    const best = slots.sort((a, b) => (b?.turn ?? -1) - (a?.turn ?? -1))[0] ?? null;
    const initial = best?.progress ?? {
      spool: randomBytes(8).toString('hex'),
      acknowledged: 0,
      sending: 0,
    };
    const position = new PositionFile(file, initial, best === null);
    position.turn = best ? best.turn + 1 : 0;
    return position;
  }

  /** Resolves when this progress, or a later one, is written. Failures to write cost duplicates, nothing else. */
  async save(progress: Progress): Promise<void> {
    this.pending = progress;
    this.running ??= this.drain();
    await this.running;
  }

  async close(): Promise<void> {
    await this.running;
    await this.file.datasync().catch(() => undefined);
    await this.file.close().catch(() => undefined);
  }

  private async drain(): Promise<void> {
    await Promise.resolve();
    while (this.pending) {
      const slot = writeSlot(this.turn, this.pending);
      this.pending = null;
      const written = await this.file.write(slot, 0, SLOT, (this.turn % 2) * SLOT).catch(() => null);
      if (written) this.turn++;
    }
    this.running = null;
  }
}

function writeSlot(turn: number, progress: Progress): Buffer {
  const text = JSON.stringify([turn, progress.spool, progress.acknowledged, progress.sending]);
  const sum = crc32(text).toString(16).padStart(8, '0');
  return Buffer.from(`${sum} ${text}`.padEnd(SLOT - 1).concat('\n'), 'latin1');
}

function readSlot(bytes: Buffer): { turn: number; progress: Progress } | null {
  const text = bytes.toString('latin1');
  const body = text.slice(9).trimEnd();
  if (bytes.length < SLOT || crc32(body).toString(16).padStart(8, '0') !== text.slice(0, 8)) return null;
  const [turn, spool, acknowledged, sending] = JSON.parse(body) as [number, string, number, number];
  return { turn, progress: { spool, acknowledged, sending } };
}
