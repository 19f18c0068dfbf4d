import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LinkStatus, PacketView } from '@portcullis/wire';
import { CaptureFileSource } from './capture-file-source';

const corpora = process.env.PORTCULLIS_CORPORA;
const expectations = corpora === undefined ? '' : join(corpora, 'expected', 'et-open-2023-05-15.jsonl');
const reason =
  corpora === undefined
    ? 'PORTCULLIS_CORPORA is not set'
    : existsSync(expectations)
      ? null
      : 'no expectations';

(reason === null ? test : test.skip)(
  `every capture of the corpora is read to its end (${reason ?? corpora})`,
  () => {
    const view = new PacketView();
    const wrong: unknown[] = [];
    let files = 0;
    for (const line of readFileSync(expectations, 'utf8').split('\n')) {
      if (line === '') continue;
      const { pcap, packets, error } = JSON.parse(line) as { pcap: string; packets: number; error?: string };
      const path = join(corpora as string, pcap);
      if (!existsSync(path)) continue;
      const source = new CaptureFileSource(path);
      while (source.receive(0) >= 0) {
        const { batch } = source;
        for (let index = 0; index < batch.count; index++)
          view.decode(batch.bytes, batch.offset[index], batch.offset[index] + batch.length[index]);
        source.finalize();
      }
      files++;
      // The reference counted the same frames, and read every link type that is read here.
      const unread = source.skipped[LinkStatus.UNSUPPORTED_LINK_TYPE] > 0;
      if (source.frames !== packets || ((source.error !== null || unread) && error === undefined))
        wrong.push({ pcap, packets, frames: source.frames, error: source.error?.message, unread });
    }
    expect(wrong).toEqual([]);
    expect(files).toBeGreaterThan(0);
  },
);
