/** The patterns of a public rule file, by the databases that look for them: none is missed for where it stands. */
import { readFileSync } from 'node:fs';
import { loadRulesNow } from '@portcullis/engine';
import { NameTable, prepareDatabasesNow } from '@portcullis/matcher';
import { type PatternDatabase, PatternScanner } from '@portcullis/pattern-binding';
import { createProtocols } from '@portcullis/protocols';
import { RULES_FILE } from './agreement/reference';
import { corporaPath, missingCorpora } from './corpora';

/** Bytes before a pattern: beyond what vectors of any width take at once. */
const MORE = 70;
const FILLING = 0x2e;
const GROUP = /\$([A-Z_]+)/g;

const reason = missingCorpora(RULES_FILE);
const withCorpora = reason === null ? test : test.skip;

withCorpora(
  `each pattern is found at the end of buffers of any length${reason === null ? '' : ` (skipped: ${reason})`}`,
  async () => {
    const text = readFileSync(corporaPath(RULES_FILE), 'utf8');
    const groups = Object.fromEntries([...text.matchAll(GROUP)].map(([, name]) => [name as string, 'any']));
    const { ruleset } = await loadRulesNow(
      {
        files: [{ path: RULES_FILE, text }],
        classification: null,
        addressGroups: groups,
        portGroups: groups,
        cacheDirectory: null,
      },
      createProtocols(),
      new NameTable(),
    );
    prepareDatabasesNow(ruleset);
    const buffer = new Uint8Array(512);
    const missed: string[] = [];
    let patterns = 0;
    for (const prefilter of ruleset.prefilters) {
      if (prefilter.database === null) continue;
      const scanner = new PatternScanner(prefilter.literalCount);
      prefilter.literals().forEach(({ bytes }, id) => {
        patterns++;
        for (let length = bytes.length; length <= Math.min(buffer.length, bytes.length + MORE); length++) {
          buffer.fill(FILLING, 0, length);
          buffer.set(bytes, length - bytes.length);
          const found = scanner.scan(prefilter.database as PatternDatabase, buffer, 0, length);
          if (!scanner.matches.subarray(0, found).includes(id))
            missed.push(
              `${Buffer.from(bytes).toString('hex')} in ${length} bytes, of ${prefilter.literalCount}`,
            );
        }
      });
      scanner.close();
    }
    expect(missed).toEqual([]);
    expect(patterns).toBeGreaterThan(20_000);
  },
  120_000,
);
