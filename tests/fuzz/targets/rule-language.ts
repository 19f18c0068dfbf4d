import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadRulesNow } from '@portcullis/engine';
import { NameTable } from '@portcullis/matcher';
import { createProtocols } from '@portcullis/protocols';
import {
  decodeContent,
  parseClassification,
  parseRule,
  parseRuleText,
  parseThresholdConfig,
  RuleError,
  Variables,
} from '@portcullis/rules';
import { claim, type FuzzTarget } from '../target';

const RULES = join(__dirname, '../../../rules');
const MOST_SEEDS = 400;

const SAMPLES = [
  'alert http $EXTERNAL_NET any -> [$HTTP_SERVERS,!10.0.0.1] $HTTP_PORTS (msg:"a \\"b\\"\\; c"; flow:established,to_server; http.uri; content:"/x|0d 0a|"; fast_pattern; pcre:"/^\\/a["\']b/Ui"; classtype:misc-attack; sid:1; rev:2; metadata:created_at 2021_01_01, tag x;)',
  'drop tcp ![10.0.0.0/8,fe80::1-fe80::9] [1:1024,![80,443],:5] <> $HOME_NET !$SHELLCODE_PORTS (content:!"|00 ff|"; depth:4; byte_test:4,>,0x10,0; dsize:10<>1kb; sid:2;)',
  'reject udp any any -> any 53 (dns.query; content:"a"; bsize:<5; pcre:"/(a|b)+c/R"; threshold:type limit,track by_src,count 1,seconds 60; sid:3;)',
  'pass ip any any -> any any (ipopts:lsrr; ttl:>5; fragbits:M+; geoip:src,DE; iprep:any,c,>,1; xbits:set,x,track ip_src,expire 5; flowint:a,+,1; byte_extract:2,0,n,relative; byte_math:bytes 1,offset 0,oper +,rvalue n,result m; content:"x"; within:n; base64_decode:bytes 10,offset 1,relative; base64_data; content:"y"; sid:4;)',
];

let cached: string[] | null = null;

/** Rules as they are in the world: ours, and some of the corpora's. */
export function ruleSamples(): string[] {
  if (cached !== null) return cached;
  const lines = readdirSync(RULES)
    .filter((name) => name.endsWith('.rules'))
    .flatMap((name) => readFileSync(join(RULES, name), 'utf8').split('\n'))
    .filter((line) => line.length > 20 && !line.startsWith('#'));
  const { PORTCULLIS_CORPORA: corpora } = process.env;
  if (corpora) {
    const public_ = readFileSync(join(corpora, 'rules/et-open-2023-05-15.rules'), 'latin1').split('\n');
    for (let at = 0; at < public_.length; at += 151)
      if ((public_[at] as string).length > 40) lines.push(public_[at] as string);
  }
  const step = Math.max(1, Math.floor(lines.length / MOST_SEEDS));
  cached = [...SAMPLES, ...lines.filter((_, index) => index % step === 0)];
  return cached;
}

/** Runs `action`. @throws what is no RuleError, or one without its place */
export function onlyRuleErrors(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    claim(
      error.message !== '' && error.place.line > 0 && error.place.column > 0,
      'an error without its place',
    );
  }
}

const text = (lines: readonly string[]) => lines.map((line) => Buffer.from(line, 'utf8'));
const asText = (input: Uint8Array) =>
  Buffer.from(input.buffer, input.byteOffset, input.length).toString('utf8');

export function ruleLanguageTargets(): readonly FuzzTarget[] {
  return [
    {
      name: 'rules/parse',
      shape: 'text',
      weight: 1,
      seeds: () => text(ruleSamples()),
      start: () => {
        const context = { variables: Variables.withDefaults() };
        return {
          run: (input) => {
            const line = asText(input);
            onlyRuleErrors(() => {
              const rule = parseRule(line, context);
              claim(rule.sid > 0, 'a rule without a sid');
              for (const { value, valuePlace } of rule.options) {
                if (value === null) continue;
                const at = valuePlace.column - 1;
                claim(line.slice(at, at + value.length) === value, 'a value is not where its place says');
                onlyRuleErrors(() => void decodeContent(value, valuePlace));
              }
            });
            const set = parseRuleText(line, context);
            claim(set.size <= line.split('\n').length, 'more rules than lines');
          },
        };
      },
    },
    {
      name: 'rules/compile',
      shape: 'text',
      weight: 0.05,
      seeds: () => text(ruleSamples()),
      start: () => {
        const protocols = createProtocols();
        return {
          run: async (input) => {
            const { summary } = await loadRulesNow(
              {
                files: [{ path: 'fuzz.rules', text: asText(input) }],
                classification: null,
                addressGroups: { HOME_NET: '10.0.0.0/8', EXTERNAL_NET: 'any' },
                portGroups: {},
                cacheDirectory: null,
              },
              protocols,
              new NameTable(),
            );
            claim(
              summary.failed.every(({ reason, line }) => reason !== '' && line >= 0),
              'a failure without a reason',
            );
          },
        };
      },
    },
    {
      name: 'rules/threshold-config',
      shape: 'text',
      weight: 0.5,
      seeds: () =>
        text([
          'event_filter gen_id 1, sig_id 2, type both, track by_src, count 1, seconds 60\nsuppress gen_id 1, sig_id 3, track by_src, ip [10.0.0.0/8,!10.1.0.0/16]\n# x\nrate_filter gen_id 1, sig_id 4, track by_rule, count 5, seconds 1, new_action drop, timeout 30\n',
        ]),
      start: () => {
        const variables = Variables.withDefaults();
        return {
          run: (input) => {
            const line = asText(input);
            const { problems } = parseThresholdConfig(line, variables);
            claim(
              problems.every((problem) => problem.line > 0),
              'a problem without its line',
            );
          },
        };
      },
    },
    {
      name: 'rules/classification',
      shape: 'text',
      weight: 0.5,
      seeds: () =>
        text(['config classification: misc-attack,Misc Attack,2\n# x\nconfig classification: a, b , 1\n']),
      start: () => ({ run: (input) => void parseClassification(asText(input)) }),
    },
  ];
}
