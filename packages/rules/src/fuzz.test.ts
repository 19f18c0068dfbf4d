import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  decodeContent,
  parseInteger,
  parseList,
  parseRule,
  parseRuleText,
  RuleError,
  Variables,
} from './index';

/** Mulberry32: small, and the same everywhere for one seed. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const SAMPLES = [
  'alert http $EXTERNAL_NET any -> [$HTTP_SERVERS,!10.0.0.1] $HTTP_PORTS (msg:"a \\"b\\"\\; c"; flow:established,to_server; http.uri; content:"/x|0d 0a|"; fast_pattern; pcre:"/^\\/a["\']b/Ui"; classtype:misc-attack; sid:1; rev:2; metadata:created_at 2021_01_01, tag x;)',
  'drop tcp ![10.0.0.0/8,fe80::1-fe80::9] [1:1024,![80,443],:5] <> $HOME_NET !$SHELLCODE_PORTS (content:!"|00 ff|"; depth:4; byte_test:4,>,0x10,0; dsize:10<>1kb; sid:2;)',
];

const corpora = process.env.PORTCULLIS_CORPORA;
const etOpen = corpora ? join(corpora, 'rules/et-open-2023-05-15.rules') : '';
if (existsSync(etOpen)) {
  const lines = readFileSync(etOpen, 'latin1').split('\n');
  for (let at = 0; at < lines.length; at += 101) if (lines[at].length > 20) SAMPLES.push(lines[at]);
}

const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);
const next = random(seed);
const below = (limit: number) => Math.floor(next() * limit);
const SPICE = [
  '"',
  ';',
  ':',
  '\\',
  '(',
  ')',
  '[',
  ']',
  '!',
  '$',
  '|',
  ',',
  '\n',
  '\0',
  '/',
  '-',
  '<>',
  '->',
  'any',
  '\\\n',
  '\u{1f600}',
  '\ud800',
  '255',
  '::',
];

function mutate(text: string): string {
  let result = text;
  for (let changes = 1 + below(4); changes > 0; changes--) {
    const at = below(result.length + 1);
    switch (below(5)) {
      case 0:
        result = result.slice(0, at) + result.slice(at + 1 + below(8));
        break;
      case 1:
        result = result.slice(0, at) + SPICE[below(SPICE.length)] + result.slice(at);
        break;
      case 2:
        result = result.slice(0, at);
        break;
      case 3:
        result = result.slice(0, at) + String.fromCharCode(below(256)) + result.slice(at + 1);
        break;
      default: {
        const from = below(result.length + 1);
        result = result.slice(0, at) + result.slice(from, from + below(40)) + result.slice(at);
      }
    }
  }
  return result;
}

const randomText = (length: number) => String.fromCharCode(...Array.from({ length }, () => below(256)));

/** `expect` without its cost, for conditions checked a million times. */
function hold(condition: boolean): void {
  if (!condition) throw new Error('does not hold');
}

/** Runs `action`; anything but a RuleError is a failure that shows its input. */
function onlyRuleErrors(input: string, action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (error instanceof RuleError) {
      if (error.message !== '' && error.place.line > 0 && error.place.column > 0) return;
    }
    throw new Error(`FUZZ_SEED=${seed}: ${JSON.stringify(input)}`, { cause: error });
  }
}

test(`mutated and random rules give rules or RuleErrors (FUZZ_SEED=${seed})`, () => {
  const context = { variables: Variables.withDefaults() };
  for (let round = 0; round < 6000; round++) {
    const input = round % 8 === 0 ? randomText(below(200)) : mutate(SAMPLES[below(SAMPLES.length)]);
    onlyRuleErrors(input, () => {
      const rule = parseRule(input, context);
      hold(
        rule.sid > 0 && !rule.metadata.has('') && rule.references.every((text) => typeof text === 'string'),
      );
      for (const { value, valuePlace, place } of rule.options) {
        hold(place.column <= valuePlace.column);
        if (value === null) continue;
        hold(input.slice(valuePlace.column - 1, valuePlace.column - 1 + value.length) === value);
        onlyRuleErrors(value, () => decodeContent(value, valuePlace));
      }
    });
    const set = parseRuleText(`${input}\n${input}`, context);
    hold(set.size <= input.split('\n').length * 2);
  }
});

test(`value readers refuse with RuleErrors only (FUZZ_SEED=${seed})`, () => {
  const place = { line: 1, column: 1 };
  const limits = { what: 'value' };
  const seeds = ['10<>20', '!=5kb', '>0x10', '1mb', 'a,"b,c",d', '"a|0d|\\;"', '!"x"'];
  for (let round = 0; round < 5000; round++) {
    const input = mutate(seeds[below(seeds.length)]);
    onlyRuleErrors(input, () => parseInteger(input, place, limits));
    onlyRuleErrors(input, () => decodeContent(input, place));
    hold(parseList(input, place).reduce((sum, { text }) => sum + text.length, 0) <= input.length);
  }
});

test('long and deep input takes no longer than its length', () => {
  const context = { variables: Variables.withDefaults() };
  const many = (piece: string) => piece.repeat(Math.floor(60_000 / piece.length));
  const inputs = [
    `alert tcp ${many('[')} any -> any any (sid:1;)`,
    `alert tcp [${many('10.0.0.1,!10.0.0.2,')}1.1.1.1] any -> any any (sid:1;)`,
    `alert tcp any any -> any any (content:"${many('\\')}"; sid:1;)`,
    `alert tcp any any -> any any (content:"${many('a";"')}; sid:1;`,
    `alert tcp any any -> any any (${many('sid')}:1;)`,
    `alert tcp any any -> any any (content:"${many('";')}`,
    `alert tcp any any -> any any (${many('a;')}sid:1;)`,
    `alert tcp any any -> any any (msg:"${many('\\" ; ')}"; sid:1;)`,
    many(' '),
    many('alert '),
    many('\\\n'),
    many('sid : '),
  ];
  const began = process.cpuUsage();
  for (const input of inputs) onlyRuleErrors(input.slice(0, 80), () => parseRule(input, context));
  for (const input of inputs) parseRuleText(input, context);
  const used = process.cpuUsage(began);
  // Generous: what it guards against is quadratic time, which takes minutes here.
  expect(used.user / 1e6).toBeLessThan(10);
});
