import { SeededRandom } from '@portcullis/testkit';
import { parseAddress } from '@portcullis/wire';
import { BlockedSources } from './blocked-sources';

const address = (text: string) => parseAddress(text) as Uint32Array;

test('holds a source for its time, and no other', () => {
  const blocked = new BlockedSources(1000);
  blocked.add(address('192.0.2.1'), 5000);
  expect(blocked.has(address('192.0.2.1'), 5000)).toBe(true);
  expect(blocked.has(address('192.0.2.1'), 5999)).toBe(true);
  expect(blocked.has(address('192.0.2.1'), 6000)).toBe(false);
  expect(blocked.has(address('192.0.2.2'), 5000)).toBe(false);
  expect(blocked.has(address('::ffff:192.0.2.1'), 5000)).toBe(true);
  expect(blocked.has(address('::192.0.2.1'), 5000)).toBe(false);
});

test('forgets all at once', () => {
  const blocked = new BlockedSources(1000);
  blocked.add(address('2001:db8::1'), 5000);
  blocked.clear();
  expect(blocked.has(address('2001:db8::1'), 5001)).toBe(false);
});

/**
 * Against a map: what the table holds, the map holds too (nobody is blocked who did not attack), and of the sources
 * that were added last at least the very last is always held.
 */
test('never holds what a map does not', () => {
  SeededRandom.run((random) => {
    const hold = 1 + random.below(2000);
    const blocked = new BlockedSources(hold);
    const until = new Map<string, number>();
    const sources = Array.from({ length: 3000 }, () => {
      const words = new Uint32Array(4);
      if (random.chance()) words.set([0, 0, 0xffff, random.next()]);
      else
        for (let word = 0; word < 4; word++)
          words[word] = random.chance(0.3) ? random.below(3) : random.next();
      return words;
    });
    let now = 1e15;
    let held = 0;
    for (let step = 0; step < (process.env.PORTCULLIS_LONG ? 20_000 : 4000); step++) {
      now += random.below(3);
      const source = random.pick(sources);
      const key = source.join();
      if (random.chance(0.2)) {
        blocked.add(source, now);
        until.set(key, now + hold);
        expect(blocked.has(source, now)).toBe(true);
      } else if (random.chance(0.0005)) {
        blocked.clear();
        until.clear();
      } else if (blocked.has(source, now)) {
        held++;
        expect(until.get(key) ?? 0).toBeGreaterThan(now);
      }
    }
    if (hold > 500) expect(held).toBeGreaterThan(0);
  });
});

test('sources of one network do not push each other out', () => {
  const blocked = new BlockedSources(1000);
  const sources = Array.from({ length: 256 }, (_, host) => address(`198.51.100.${host}`));
  for (const source of sources) blocked.add(source, 1);
  expect(sources.filter((source) => blocked.has(source, 2)).length).toBeGreaterThan(200);
});
