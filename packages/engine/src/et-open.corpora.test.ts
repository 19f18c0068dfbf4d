/** A large public rule file, compiled once: what loads of it, and what its matches count as. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CompiledRule, NameTable } from '@portcullis/matcher';
import { createProtocols } from '@portcullis/protocols';
import { ruleSource } from '../testing/inspection';
import { DEFAULT_DETECTION_POLICY, DetectionPolicy } from './detection-policy';
import { loadRules } from './rule-loading';
import type { LoadedRules } from './rule-opening';

const TO_SERVER = 0;

const corpora = process.env.PORTCULLIS_CORPORA;
const path = corpora ? join(corpora, 'rules', 'et-open-2023-05-15.rules') : '';
const missing = corpora ? `${path} is not there` : 'PORTCULLIS_CORPORA is not set';

if (!existsSync(path)) {
  test.skip(`ET Open (skipped: ${missing})`, () => {});
} else {
  describe('ET Open of 2023-05-15', () => {
    let loaded: LoadedRules;
    let slices = 0;
    beforeAll(() => {
      // Without their databases.
      const steps = loadRules(
        ruleSource(readFileSync(path, 'utf8'), path),
        createProtocols(),
        new NameTable(),
      );
      let step = steps.next();
      for (; !step.done; step = steps.next()) slices++;
      loaded = step.value;
    }, 60_000);

    test('compiles in slices, but for what Suricata refuses too', () => {
      const { ruleset, summary } = loaded;
      const refused = summary.failed.filter(({ reason }) => !reason.includes('negated away'));
      expect([...new Set(refused.map(({ reason }) => reason))]).toEqual([
        'fast_pattern: cannot be set on base64_data',
      ]);
      expect(refused.length).toBeLessThan(10);
      expect(ruleset.rules.length).toBe(summary.loaded);
      expect(ruleset.rules.length).toBeGreaterThan(31_900);
      expect(slices).toBeGreaterThan(100);
    });

    test('attempts to get in are attacks and nothing else is', () => {
      const rules: readonly CompiledRule[] = loaded.ruleset.rules.all();
      const policy = new DetectionPolicy(DEFAULT_DETECTION_POLICY, rules.length);
      const banning = new Set(
        rules.filter(
          (one) => (one.directions & 1) !== 0 && policy.decide(one, TO_SERVER, false).response === 'block',
        ),
      );
      const log4shell = rules.filter(({ msg }) => /^ET EXPLOIT .*log4j RCE Attempt/.test(msg));
      expect(log4shell.length).toBeGreaterThan(10);
      expect(
        log4shell.filter((one) => (one.directions & 1) !== 0 && !banning.has(one)).map(({ sid }) => sid),
      ).toEqual([]);
      const smb = [...banning].filter(({ msg }) => /ETERNALBLUE Exploit|NETBIOS .*overflow/i.test(msg));
      expect(smb.length).toBeGreaterThan(20);
      const harmless =
        /^(ET|GPL) (INFO|POLICY|HUNTING|CHAT|GAMES|P2P|JA3|USER_AGENTS|ADWARE_PUP|MALWARE|PHISHING) /;
      const wrong = [...banning].filter(
        ({ msg, classtype }) => harmless.test(msg) && !/^(attempted|web-app|success)/.test(classtype ?? ''),
      );
      expect(wrong.map(({ sid, msg }) => `${sid} ${msg}`)).toEqual([]);
      expect(banning.size / rules.length).toBeGreaterThan(0.1);
      expect(banning.size / rules.length).toBeLessThan(0.4);
    });
  });
}
