import { type BanPermit, PermitWord } from '@portcullis/engine';
import { BanPermits } from './ban-permits';

const sent: (BanPermit | null)[] = [];
let spared: string[];
let banning: boolean;
let room: number;
let permits: BanPermits;
beforeEach(() => {
  sent.length = 0;
  spared = ['192.0.2.1'];
  banning = true;
  room = 5;
  permits = new BanPermits({
    policy: () => ({
      ...{ banning, seconds: 60, withoutHandshake: false, ipv6Prefix: 64, escalation: null, perMinute: 10 },
    }),
    spared: (networks) => [...spared, ...(networks ? ['2001:db8::/64'] : [])],
    room: () => room,
    graceSeconds: () => 30,
    send: (permit) => sent.push(permit),
  });
});

const last = () => sent.at(-1) as BanPermit;
const word = (place: number) => Atomics.load(new Int32Array(last().words), place);

test('a permit is given once, and anew when what it rests on has changed', () => {
  permits.renew();
  permits.renew();
  expect(sent).toHaveLength(1);
  expect(last()).toMatchObject({ seconds: 60, ipv6Prefix: 64, spared: ['192.0.2.1', '2001:db8::/64'] });
  expect(word(PermitWord.GENERATION)).toBe(last().generation);
  expect(word(PermitWord.ROOM)).toBe(5);
  spared = ['192.0.2.1', '192.0.2.2'];
  room = 4;
  permits.renew();
  expect(sent).toHaveLength(2);
  expect(word(PermitWord.GENERATION)).toBe(last().generation);
  expect(last().generation).not.toBe((sent[0] as BanPermit).generation);
  expect(word(PermitWord.ROOM)).toBe(4);
});

test('what is held is taken back at once, and given anew by the last release', () => {
  permits.renew();
  permits.hold();
  permits.hold();
  expect(word(PermitWord.GENERATION)).toBe(0);
  permits.release();
  permits.renew();
  expect(sent).toHaveLength(1);
  permits.release();
  expect(sent).toHaveLength(2);
  expect(word(PermitWord.GENERATION)).toBe(last().generation);
});

test('after an unblocking by hand nothing counts that was seen before, nor in the time of grace', () => {
  const before = Date.now();
  permits.hold();
  permits.passOver();
  permits.release();
  expect(last().notBefore).toBeGreaterThanOrEqual((before + 30_000) * 1000);
  expect(last().notBefore).toBeLessThanOrEqual((Date.now() + 30_000) * 1000);
});

test('where attackers are not banned nothing is permitted', () => {
  permits.renew();
  const given = last();
  banning = false;
  permits.renew();
  expect(sent.at(-1)).toBeNull();
  expect(Atomics.load(new Int32Array(given.words), PermitWord.GENERATION)).toBe(0);
});
