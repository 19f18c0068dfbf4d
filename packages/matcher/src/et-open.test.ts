import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { allBuffers, createProtocols } from '@portcullis/protocols';
import { loadRuleFile, SURICATA_ADDRESS_GROUPS, SURICATA_PORT_GROUPS, Variables } from '@portcullis/rules';
import { compileRules } from './compile-rules';
import { NameTable } from './name-table';

const corpora = process.env.PORTCULLIS_CORPORA;
const directory = corpora ? join(corpora, 'rules') : '';
const there = corpora !== undefined && existsSync(directory);

(there ? test : test.skip)(
  there
    ? 'a large public rule file compiles'
    : 'a large public rule file compiles (skipped: PORTCULLIS_CORPORA is not set)',
  () => {
    const variables = new Variables({
      addressGroups: SURICATA_ADDRESS_GROUPS,
      portGroups: SURICATA_PORT_GROUPS,
    });
    const file = readdirSync(directory).find((name) => name.endsWith('.rules')) as string;
    const { rules } = loadRuleFile(join(directory, file), { variables });
    const protocols = createProtocols();
    const steps = compileRules(rules, {
      buffers: allBuffers(protocols),
      protocols: protocols.map(({ name }) => name),
      names: new NameTable(),
      // Expressions are compiled elsewhere: here it is about the rest.
      expressions: { check: () => null, compile: () => ({ exec: () => 0 }) },
    });
    let slices = 0;
    for (;;) {
      const step = steps.next();
      slices++;
      if (!step.done) continue;
      const { ruleset, failed } = step.value;
      // Suricata refuses these too.
      const messages = new Set(failed.map(({ error }) => error.message));
      expect([...messages]).toEqual(['fast_pattern: cannot be set on base64_data']);
      expect(ruleset.rules.length + failed.length).toBe(rules.length);
      expect(failed.length).toBeLessThan(10);
      expect(slices).toBeGreaterThan(100);
      return;
    }
  },
  60_000,
);
