import { compileText, Harness } from '../../testing/harness';
import { GeoDatabase } from '../lists/geo-database';

// The MaxMind DB format (maxmind.github.io/MaxMind-DB), as far as a database of one bit needs it.
const text = (value: string) => [0x40 | value.length, ...Buffer.from(value)];
const uint16 = (value: number) => [0xa2, value >> 8, value & 255];
const uint32 = (value: number) => [0xc4, 0, 0, value >> 8, value & 255];
const uint64 = (value: number) => [0x01, 0x02, value];
const map = (...pairs: (readonly [string, readonly number[]])[]) => [
  0xe0 | pairs.length,
  ...pairs.flatMap(([key, value]) => [...text(key), ...value]),
];
const array = (...items: (readonly number[])[]) => [items.length, 0x04, ...items.flat()];

/** Addresses below 128.0.0.0 are in one country, the others in none. */
function database(country: string): Buffer {
  const nodes = 1;
  const separator = 16;
  const record = (value: number) => [value >> 16, (value >> 8) & 255, value & 255];
  const tree = [...record(nodes + separator), ...record(nodes)];
  const data = map(['country', map(['iso_code', text(country)])]);
  const metadata = map(
    ['binary_format_major_version', uint16(2)],
    ['binary_format_minor_version', uint16(0)],
    ['build_epoch', uint64(1)],
    ['database_type', text('Test')],
    ['description', map()],
    ['ip_version', uint16(4)],
    ['languages', array()],
    ['node_count', uint32(nodes)],
    ['record_size', uint16(24)],
  );
  const marker = [0xab, 0xcd, 0xef, ...Buffer.from('MaxMind.com')];
  return Buffer.from([...tree, ...new Array<number>(separator).fill(0), ...data, ...marker, ...metadata]);
}

const HERE = [0, 0, 0xffff, 0x0a000001];
const ELSEWHERE = [0, 0, 0xffff, 0xc0000001];

test('countries of addresses', () => {
  const harness = new Harness(
    [
      'alert ip any any -> any any (geoip:src,DE; sid:1;)',
      'alert ip any any -> any any (geoip:dst,FR,de; sid:2;)',
      'alert ip any any -> any any (geoip:DE; sid:3;)',
      'alert ip any any -> any any (geoip:both,DE; sid:4;)',
      'alert ip any any -> any any (geoip:src,!FR; sid:5;)',
      'alert ip any any -> any any (geoip:any,!DE; sid:6;)',
    ].join('\n'),
    {},
    { geo: new GeoDatabase(database('DE')) },
  );
  const between = (source: readonly number[], destination: readonly number[], version: 4 | 6 = 4) =>
    harness.packet({ source, destination, version });
  expect(between(HERE, ELSEWHERE)).toEqual([1, 3, 5]);
  expect(between(ELSEWHERE, HERE)).toEqual([2, 3]);
  expect(between(HERE, HERE)).toEqual([1, 2, 3, 4, 5]);
  expect(between(ELSEWHERE, ELSEWHERE)).toEqual([]);
  // A database of IPv4 addresses knows nothing of others.
  expect(between([0xfe800000, 0, 0, 1], [0xfe800000, 0, 0, 2], 6)).toEqual([]);
});

test('a file that is no database, and a country that is none', () => {
  expect(() => new GeoDatabase(Buffer.from('not a database'))).toThrow();
  const { failed } = compileText('alert ip any any -> any any (geoip:Germany; sid:1;)', undefined, {
    geo: new GeoDatabase(database('DE')),
  });
  expect(failed[0].error.message).toMatch(/is not a country/);
});
