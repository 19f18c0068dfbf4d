import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MOST_OFFENDERS, OFFENDERS_FILE, Offenders } from './offenders';

const HOUR = 3600;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'offenders-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** As another process finds it, whose clock begins anew. */
function restarted(now = 0): Offenders {
  const offenders = new Offenders(directory);
  offenders.load(now);
  return offenders;
}

test('offences count as long as they are remembered', () => {
  const offenders = restarted();
  expect(offenders.bansOf('203.0.113.7')).toBe(1);
  offenders.note('203.0.113.7', 0, HOUR);
  offenders.note('203.0.113.7', 3_600_000, HOUR);
  expect(offenders.bansOf('203.0.113.7')).toBe(2);
  offenders.note('203.0.113.7', 7_200_001, HOUR);
  expect(offenders.bansOf('203.0.113.7')).toBe(1);
});

test('a restart remembers them, and how long ago it was', () => {
  const offenders = restarted(1_000_000);
  for (const prefix of ['203.0.113.7', '2001:db8::/64']) {
    offenders.note(prefix, 1_000_000, HOUR);
    offenders.note(prefix, 1_500_000, HOUR);
  }
  offenders.save(1_600_000);
  const later = restarted(50);
  expect(later.bansOf('203.0.113.7')).toBe(2);
  expect(later.bansOf('2001:db8::/64')).toBe(2);
  // A hundred seconds before, and what the test itself has taken.
  const ago = 50 - (later.lastOf('203.0.113.7') as number);
  expect(ago).toBeGreaterThanOrEqual(100_000);
  expect(ago).toBeLessThan(160_000);
});

test('nothing is written where nothing has changed, and again after the disk has refused', () => {
  const offenders = restarted();
  offenders.save(0);
  expect(existsSync(join(directory, OFFENDERS_FILE))).toBe(false);
  offenders.note('203.0.113.7', 0, HOUR);
  rmSync(directory, { recursive: true });
  writeFileSync(directory, 'in the way');
  expect(() => offenders.save(0)).toThrow();
  rmSync(directory);
  offenders.save(0);
  expect(readFileSync(join(directory, OFFENDERS_FILE), 'utf8')).toMatch(/^203\.0\.113\.7 1 \d+\n$/);
});

test('a damaged file is read as far as it goes, and a clock that was set back makes nobody an offender of tomorrow', () => {
  const tomorrow = Date.now() + 86_400_000;
  const lines = [
    'x',
    '203.0.113.7 2',
    `203.0.113.8 2 ${tomorrow}`,
    '',
    '203.0.113.9 99999999999 5',
    '203.0.113.10 3 5',
    '203.0.11',
  ];
  writeFileSync(join(directory, OFFENDERS_FILE), lines.join('\n'));
  const offenders = restarted(7);
  expect(offenders.lastOf('203.0.113.8')).toBe(7);
  expect(offenders.bansOf('203.0.113.10')).toBe(3);
  for (const prefix of ['x', '203.0.113.7', '203.0.113.9', '203.0.11'])
    expect(offenders.lastOf(prefix)).toBeUndefined();
});

test('the longest unseen are forgotten first', () => {
  const offenders = restarted();
  offenders.note('203.0.113.1', 0, HOUR);
  offenders.note('203.0.113.2', 0, HOUR);
  offenders.note('203.0.113.1', 1, HOUR);
  for (let i = 0; i < MOST_OFFENDERS - 1; i++)
    offenders.note(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 2, HOUR);
  expect(offenders.lastOf('203.0.113.2')).toBeUndefined();
  expect(offenders.bansOf('203.0.113.1')).toBe(2);
});
