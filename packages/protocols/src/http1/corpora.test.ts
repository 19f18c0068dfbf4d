/** Captures of shared corpora, where they are: evasions must be seen through, and nothing may throw. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readFlows } from '../../testing/capture-file';
import { record } from '../../testing/http1/record';

const corpora = process.env.PORTCULLIS_CORPORA ?? '';
const evader = join(corpora, 'suricata-verify', 'tests', 'http-evader');
const captures = join(corpora, 'pcaps');

const withEvader = corpora !== '' && existsSync(evader) ? test : test.skip;
const withCaptures = corpora !== '' && existsSync(captures) ? test : test.skip;

withEvader(
  'a test virus is found in file.data however the response hides it (skipped without PORTCULLIS_CORPORA)',
  () => {
    const missed: string[] = [];
    let seen = 0;
    for (const name of readdirSync(evader)) {
      const file = join(evader, name, 'input.pcap');
      if (!existsSync(file)) continue;
      seen++;
      const bodies = readFlows(readFileSync(file)).flatMap((pieces) =>
        record(pieces, { limits: { codingLayers: 3 } }).transactions.map(
          (tx) => tx.buffers['<file.data'] ?? '',
        ),
      );
      if (
        !bodies.some(
          (body) => body.includes('X5O!P%@AP[4') && body.includes('EICAR-STANDARD-ANTIVIRUS-TEST-FILE'),
        )
      ) {
        missed.push(name);
      }
    }
    expect(missed).toEqual([]);
    expect(seen).toBeGreaterThan(300);
  },
);

withCaptures(
  'every tenth small capture goes through without harm (skipped without PORTCULLIS_CORPORA)',
  () => {
    const files = (readdirSync(captures, { recursive: true }) as string[])
      .filter((name) => /\.p?cap$/.test(name))
      .sort();
    let flows = 0;
    for (const [index, name] of files.entries()) {
      if (index % 10 !== 0) continue;
      const bytes = readFileSync(join(captures, name));
      if (bytes.length < 24 || bytes.length > 200_000 || ![0xd4, 0x4d, 0xa1].includes(bytes[0])) continue;
      for (const pieces of readFlows(bytes)) {
        flows++;
        record(pieces);
      }
    }
    expect(flows).toBeGreaterThan(0);
  },
);
