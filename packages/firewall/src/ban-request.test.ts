import { type Ban, isBan } from './ban';
import { foundBan, requestedBan } from './ban-request';

const NOW = 1_700_000_000_000;
const request = (seconds: number) => ({ prefix: '192.0.2.1', seconds, reason: 'test' });

test('a repetition keeps id and beginning, is counted, and never shortens a ban', () => {
  const first = requestedBan('192.0.2.1', request(60), undefined, NOW);
  expect(first).toMatchObject({ since: NOW, until: NOW + 60_000, sid: 0, origin: 'attack', count: 1 });
  const shorter = requestedBan('192.0.2.1', { ...request(5), sid: 7, origin: 'manual' }, first, NOW + 1000);
  expect(shorter).toEqual({ ...first, sid: 7, origin: 'manual', count: 2 });
  const longer = requestedBan('192.0.2.1', request(60.2), shorter, NOW + 1000);
  expect(longer).toMatchObject({ id: first.id, since: NOW, until: NOW + 62_000, count: 3 });
});

test('what is made is what the ledger reads back, each with an id of its own', () => {
  const bans: Ban[] = [];
  for (let n = 0; n < 1000; n++)
    bans.push(
      requestedBan('192.0.2.1', { ...request(60), reason: 'x'.repeat(2000) }, undefined, NOW + (n >> 8)),
      foundBan('2001:db8::1', NOW + 60_000, NOW + (n >> 8)),
    );
  expect(bans.filter(isBan)).toHaveLength(2000);
  expect(new Set(bans.map(({ id }) => id)).size).toBe(2000);
  expect(bans[0]).toMatchObject({ reason: 'x'.repeat(512) });
});
