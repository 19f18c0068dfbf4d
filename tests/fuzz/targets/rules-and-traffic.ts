import { Inspector, loadRulesNow } from '@portcullis/engine';
import { Matcher, NameTable } from '@portcullis/matcher';
import { createProtocols } from '@portcullis/protocols';
import { decodeRecords, encodeRecords } from '../records';
import type { FuzzTarget } from '../target';
import { inspectPackets, packetSequences, SMALL_STREAM } from './inspector';
import { ruleSamples } from './rule-language';

/** A record with this bit in its kind is a line of the rules; all others are packets. */
const RULE = 0x80;
const RULES_TOGETHER = 3;

function seeds(): Uint8Array[] {
  const rules = ruleSamples();
  return packetSequences()
    .filter((_, index) => index % 3 === 0)
    .map((packets, index) => {
      const lines = Array.from(
        { length: RULES_TOGETHER },
        (_, each) => rules[(index * RULES_TOGETHER + each) % rules.length] as string,
      );
      const records = lines.map((line) => ({ kind: RULE, bytes: Buffer.from(line) }));
      return encodeRecords([...records, ...decodeRecords(packets)]);
    });
}

/** Rules and the traffic they look at, changed together. */
export function rulesAndTrafficTargets(): readonly FuzzTarget[] {
  return [
    {
      name: 'engine/rules-and-traffic',
      shape: 'records',
      weight: 0.03,
      seeds,
      start: () => {
        const protocols = createProtocols();
        return {
          run: async (input) => {
            const records = decodeRecords(input);
            const text = records
              .filter(({ kind }) => (kind & RULE) !== 0)
              .map(({ bytes }) => Buffer.from(bytes).toString('latin1').replace(/\n/g, ' '))
              .join('\n');
            const { ruleset, policy } = await loadRulesNow(
              {
                files: [{ path: 'fuzz.rules', text }],
                classification: null,
                addressGroups: { HOME_NET: 'any', EXTERNAL_NET: 'any' },
                portGroups: {},
                cacheDirectory: null,
              },
              protocols,
              new NameTable(),
            );
            const matcher = new Matcher(ruleset);
            const inspector = new Inspector({
              matcher,
              protocols,
              policy,
              inline: true,
              decodePolicy: 'open',
              offload: null,
              stream: SMALL_STREAM,
              onDetection: () => {},
              sender: { send: () => {} },
              holdBlockedMicros: 0,
            });
            try {
              inspectPackets(
                inspector,
                records.filter(({ kind }) => (kind & RULE) === 0).map(({ bytes }) => bytes),
                true,
              );
            } finally {
              matcher.close();
            }
          },
        };
      },
    },
  ];
}
