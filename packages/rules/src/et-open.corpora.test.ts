import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  decodeContent,
  interceptedPorts,
  loadRuleFile,
  type RuleSet,
  STANDARD_CLASSIFICATION,
  SURICATA_ADDRESS_GROUPS,
  Variables,
} from './index';

const corpora = process.env.PORTCULLIS_CORPORA;
const path = corpora ? join(corpora, 'rules/et-open-2023-05-15.rules') : '';
const missing = corpora ? `${path} is not there` : 'PORTCULLIS_CORPORA is not set';

if (!existsSync(path)) {
  test.skip(`ET Open (skipped: ${missing})`, () => {});
} else {
  describe('ET Open of 2023-05-15', () => {
    let set: RuleSet;
    beforeAll(() => {
      const addressGroups = Object.fromEntries(
        Object.keys(SURICATA_ADDRESS_GROUPS).map((name) => [name, 'any']),
      );
      const portGroups = { HTTP_PORTS: '[80,8000,8008,8080,8081,8888,3128]' };
      set = loadRuleFile(path, { variables: Variables.withDefaults({ addressGroups, portGroups }) });
    });

    test('all rules are read but those that negate the address space away', () => {
      expect(set.errors.map((error) => error.sid)).toEqual([2000328, 2002087, 2011802]);
      for (const error of set.errors) expect(error.reason).toContain('negated away');
      expect(set.size).toBe(31_996 - 3);
      expect(set.disabled).toBe(12_202);
      expect(set.notices).toEqual([]);
    });

    test('every content decodes, every class is known', () => {
      let contents = 0;
      const unknown = new Set<string>();
      for (const rule of set.rules) {
        const { classtype } = rule;
        if (classtype !== null && !STANDARD_CLASSIFICATION.has(classtype)) unknown.add(classtype);
        for (const { keyword, value, valuePlace } of rule.options) {
          if (keyword !== 'content') continue;
          if (decodeContent(value ?? '', valuePlace).bytes.length > 0) contents++;
        }
      }
      expect(contents).toBeGreaterThan(80_000);
      expect([...unknown]).toEqual([]);
    });

    test('rules with the same header share it', () => {
      expect(new Set(set.rules.map((rule) => rule.header)).size).toBeLessThan(1500);
    });

    test('with any for addresses and http on any port all ports are intercepted', () => {
      const { ranges, anyPortRules } = interceptedPorts(set.rules, () => true);
      expect(ranges).toEqual([{ first: 0, last: 65535 }]);
      expect(anyPortRules.length).toBeGreaterThan(20_000);
    });
  });
}
