import { readFileSync } from 'node:fs';
import { readFlows } from '../../testing/capture-file';
import { record } from '../../testing/recorder';
import { createTls } from './definition';

test('smoke', () => {
  const base = '/work/shared/corpora/suricata-verify/tests/';
  for (const f of (process.env.CAPS ?? '').split(' ')) {
    console.log(f);
    for (const pieces of readFlows(readFileSync(base + f))) {
      const r = record(createTls(), pieces);
      console.log(
        JSON.stringify(
          r.summary(),
          (k, v) => (typeof v === 'string' && v.length > 300 ? v.slice(0, 300) : v),
          1,
        ),
      );
    }
  }
});
