import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CaptureError, CaptureFileSource } from '@portcullis/capture';
import { Replay } from '@portcullis/engine';
import { DecodeStatus, LinkStatus, PacketView } from '@portcullis/wire';
import { LONGEST_INPUT_MS } from './target';
import { threadMilliseconds } from './time';

const RULES = join(__dirname, '../../rules');
/** Processor time that a large capture may take beside: a second a megabyte, a small part of what is usual. */
const MOST_MS_A_BYTE = 1000 / 2 ** 20;

/** True where the file cannot be read to its end, or a frame or packet in it makes no sense. */
function isDamaged(path: string): boolean {
  const view = new PacketView();
  try {
    const source = new CaptureFileSource(path, { everyFrame: true });
    const { batch } = source;
    let wrong = false;
    for (let count = source.receive(0); count >= 0; count = source.receive(0)) {
      for (let place = 0; place < count; place++) {
        const start = batch.offset[place] as number;
        wrong ||=
          view.decode(batch.bytes, start, start + (batch.length[place] as number)) !== DecodeStatus.OK;
      }
      source.finalize();
    }
    return wrong || source.error !== null || (source.skipped[LinkStatus.TRUNCATED] as number) > 0;
  } catch (error) {
    if (error instanceof CaptureError) return true;
    throw error;
  }
}

export interface Replayed {
  readonly replayed: number;
  readonly damaged: number;
  readonly wrong: readonly string[];
}

/** Captures through the whole engine with the built-in rules. @param which of them */
export async function replayCaptures(
  captures: readonly string[],
  which: 'damaged' | 'all',
): Promise<Replayed> {
  const damaged = captures.filter(isDamaged);
  const chosen = which === 'all' ? captures : damaged;
  const replay = await Replay.load({
    rules: {
      files: readdirSync(RULES)
        .filter((name) => name.endsWith('.rules'))
        .map((path) => ({ path, text: readFileSync(join(RULES, path), 'utf8') })),
      classification: null,
      addressGroups: { HOME_NET: 'any', EXTERNAL_NET: 'any' },
      portGroups: {},
      cacheDirectory: null,
    },
    stream: { maxFlows: 1024, memcap: 4 << 20 },
    inline: true,
    decodePolicy: 'open',
    fragments: {},
  });
  const wrong: string[] = [];
  for (const path of chosen) {
    const began = threadMilliseconds();
    try {
      replay.file(path, () => {});
    } catch (error) {
      if (!(error instanceof CaptureError)) wrong.push(`${path}: ${(error as Error).stack}`);
    }
    // The first ones pay for code that was never run before.
    const used = threadMilliseconds() - began;
    const most = 10 * LONGEST_INPUT_MS + statSync(path).size * MOST_MS_A_BYTE;
    if (used > most) wrong.push(`${path}: took ${Math.round(used)} ms`);
  }
  return { replayed: chosen.length, damaged: damaged.length, wrong };
}
