import { readdirSync, readFileSync, appendFileSync, writeFileSync } from 'node:fs';
import { execSync } from 'node:child_process';
import { join } from 'node:path';
import { Replay } from '@portcullis/engine';
test('fp', async () => {
  const folder = '/work/main/rules';
  const replay = await Replay.load({ rules: { files: readdirSync(folder).map((n) => ({ path: n, text: readFileSync(join(folder, n), 'utf8') })), classification: null, addressGroups: {}, portGroups: {}, cacheDirectory: null }, stream: {maxFlows: 4096} as never, inline: false, decodePolicy: 'open' });
  writeFileSync('/tmp/fp.txt', '');
  const list = execSync("find /work/shared/corpora/pcaps /work/shared/corpora/suricata-verify -type f \\( -name '*.pcap*' -o -name '*.cap' -o -name '*.trace*' \\) -size -30M").toString().trim().split('\n');
  let n = 0; let bytes = 0;
  for (const f of list) {
    const m = new Map<string, number>();
    try { const r = replay.file(f, (d) => { const k = `${d.rule.sid} ${d.rule.msg}`; m.set(k, (m.get(k) ?? 0) + 1); }); bytes += r.bytes; n++; } catch (e) { /* no capture */ }
    for (const [k, c] of m) appendFileSync('/tmp/fp.txt', `${f.replace('/work/shared/corpora/', '')}\t${c}\t${k}\n`);
  }
  appendFileSync('/tmp/fp.txt', `captures ${n} bytes ${bytes}\n`);
}, 3_000_000);
