import { PatternDatabase, PatternScanner } from '@portcullis/pattern-binding';
import { decodeRecords, encodeRecords } from '../records';
import { claim, type FuzzTarget } from '../target';

interface Pattern {
  readonly expression: Uint8Array;
  readonly id: number;
  readonly caseless: boolean;
}

const CASELESS = 1;
const MOST_PATTERNS = 100;
const LONGEST_PATTERN = 64;
const LONGEST_BUFFER = 512;

const lower = (byte: number) => (byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte);

/** The slow twin. */
function occurs({ expression, caseless }: Pattern, bytes: Uint8Array): boolean {
  for (let at = 0; at + expression.length <= bytes.length; at++) {
    let same = 0;
    while (same < expression.length) {
      const a = bytes[at + same] as number;
      const b = expression[same] as number;
      if (a !== b && !(caseless && lower(a) === lower(b))) break;
      same++;
    }
    if (same === expression.length) return true;
  }
  return false;
}

const seed = (buffer: string, ...patterns: readonly string[]) =>
  encodeRecords(
    [...patterns, buffer].map((text, index) => ({
      kind: index & CASELESS,
      bytes: Buffer.from(text, 'latin1'),
    })),
  );

/** Sets of patterns: the last record is scanned, as it stands and with each of the patterns before it at its end. */
export function patternSetTargets(): readonly FuzzTarget[] {
  return [
    {
      name: 'patterns/sets',
      shape: 'records',
      weight: 0.1,
      seeds: () => [
        seed('.................fR', 'jxYeMRmQgi', 'mK', 'odeXXX', 'whk', 'tcSgt]Q', 'Ze', 'fR', 'N[VaCX_'),
        seed('GET /a/../b?x=1 HTTP/1.1\r\nHost: example.com\r\n\r\n', 'GET ', '/../', 'host: ', 'a'),
        seed(`${'\0'.repeat(70)}\xff\xfe`, '\0\0', '\xff\xfe', '\0\xff'),
      ],
      start: () => ({
        run: (input) => {
          const records = decodeRecords(input).slice(-MOST_PATTERNS);
          const buffer = records.pop()?.bytes.slice(0, LONGEST_BUFFER);
          const patterns = records
            .filter(({ bytes }) => bytes.length > 0)
            .map(({ kind, bytes }, id) => ({
              expression: bytes.slice(0, LONGEST_PATTERN),
              id,
              caseless: (kind & CASELESS) !== 0,
            }));
          if (buffer === undefined || patterns.length === 0) return;
          const database = PatternDatabase.compile(patterns);
          const scanner = new PatternScanner(patterns.length);
          const compare = (bytes: Uint8Array): void => {
            const found = new Set(
              scanner.matches.subarray(0, scanner.scan(database, bytes, 0, bytes.length)),
            );
            for (const pattern of patterns)
              claim(found.has(pattern.id) === occurs(pattern, bytes), `pattern ${pattern.id} of a set`);
          };
          try {
            compare(buffer);
            for (const { expression } of patterns) {
              if (expression.length > buffer.length) continue;
              const ended = buffer.slice();
              ended.set(expression, buffer.length - expression.length);
              compare(ended);
            }
          } finally {
            scanner.close();
            database.close();
          }
        },
      }),
    },
  ];
}
