import type { Detection } from '../detection';
import {
  asksForBan,
  DetectionOutbox,
  GATHERING_MILLISECONDS,
  LostKinds,
  MOST_BANS_ON_THE_WAY,
  MOST_ON_THE_WAY,
  MOST_WAITING,
  type ToldDetection,
} from './detection-outbox';

const detection = (fields: Partial<Detection> = {}) =>
  ({
    kind: 'attack',
    response: 'notify',
    blocked: false,
    handshake: true,
    protectedEnd: 'destination',
    source: '192.0.2.1',
    ...fields,
  }) as Detection;
const ban = (number: number, fields: Partial<Detection> = {}) =>
  detection({
    response: 'block',
    blocked: true,
    source: `10.${number >> 16}.${number >> 8}.${number}`,
    ...fields,
  });

const told = (about: Detection, takenAt = 0, banned: ToldDetection['banned'] = null): ToldDetection => ({
  detection: about,
  takenAt,
  banned,
});

function outbox(start = 0) {
  const sent: ToldDetection[] = [];
  const messages: number[] = [];
  let taken = start;
  let now = 0;
  const box = new DetectionOutbox({
    taken: () => taken | 0,
    bansWithoutHandshake: () => false,
    now: () => now,
    send: (told) => {
      sent.push(...told);
      messages.push(told.length);
    },
  });
  return {
    box,
    sent,
    messages,
    /** Sends what has been gathered; its time has come. */
    flush: () => {
      now += GATHERING_MILLISECONDS;
      box.flush();
    },
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
    take: (count: number) => {
      taken += count;
    },
    lost: () => Object.fromEntries(LostKinds.map((kind, place) => [kind, box.lost[place]])),
  };
}

test('what is detected soon after another goes in one message, with the time of each', () => {
  const { box, sent, messages, pass } = outbox();
  box.tell(told(detection({ time: 1 }), 10));
  box.flush();
  expect(messages).toEqual([1]);
  box.tell(told(detection({ time: 2 }), 20));
  box.flush();
  box.tell(told(detection({ time: 3 }), 30));
  pass(GATHERING_MILLISECONDS - 1);
  box.flush();
  expect([messages, box.pending]).toEqual([[1], true]);
  pass(1);
  box.flush();
  box.flush();
  expect([messages, box.pending]).toEqual([[1, 2], false]);
  expect(sent.map(({ detection: { time }, takenAt }) => [time, takenAt])).toEqual([
    [1, 10],
    [2, 20],
    [3, 30],
  ]);
});

test('nothing waits while there is nothing else to do', () => {
  const { box, messages } = outbox();
  box.tell(told(detection()));
  box.flush();
  box.tell(told(detection()));
  box.sendGathered();
  expect(messages).toEqual([1, 1]);
});

test('beyond what the main thread may have before it they are lost, by kind, until it has taken some', () => {
  const { box, sent, flush, take, lost } = outbox();
  const tell = (count: number, fields?: Partial<Detection>) => {
    for (let i = 0; i < count; i++) box.tell(told(detection(fields)));
    flush();
  };
  tell(MOST_ON_THE_WAY + 3);
  tell(2, { kind: 'information' });
  expect(sent).toHaveLength(MOST_ON_THE_WAY);
  expect(lost()).toMatchObject({ attack: 3, information: 2, ban: 0 });
  take(5);
  tell(6);
  expect(sent).toHaveLength(MOST_ON_THE_WAY + 5);
  expect(lost()).toMatchObject({ attack: 4 });
});

test('the first ban goes at once, before what has been gathered and past what is too much otherwise', () => {
  const { box, sent, messages, flush, lost } = outbox();
  for (let i = 0; i < MOST_ON_THE_WAY + 1; i++) box.tell(told(detection()));
  expect(sent).toEqual([]);
  box.tell(told(ban(1)));
  expect([messages, sent[0]?.detection.source]).toEqual([[MOST_ON_THE_WAY + 1], '10.0.0.1']);
  box.tell(told(ban(2)));
  box.tell(told(ban(3)));
  expect(messages).toHaveLength(1);
  flush();
  expect(messages).toEqual([MOST_ON_THE_WAY + 1, 2]);
  expect(lost()).toMatchObject({ attack: 1, ban: 0 });
});

test('bans that are too many wait, one for each device, and come in their order', () => {
  const { box, sent, flush, take, lost } = outbox();
  for (let i = 0; i < MOST_BANS_ON_THE_WAY + 10; i++) box.tell(told(ban(i)));
  box.tell(told(ban(MOST_BANS_ON_THE_WAY + 3)));
  flush();
  expect(sent).toHaveLength(MOST_BANS_ON_THE_WAY);
  expect(lost()).toMatchObject({ attack: 1, ban: 0 });
  take(4);
  // No overtaking.
  box.tell(told(ban(1 << 20)));
  flush();
  expect(sent.slice(MOST_BANS_ON_THE_WAY).map(({ detection: { source } }) => source)).toEqual(
    [0, 1, 2, 3].map((i) => ban(MOST_BANS_ON_THE_WAY + i).source),
  );
  box.close();
  expect(sent.at(-1)?.detection.source).toBe(ban(1 << 20).source);
  expect(sent).toHaveLength(MOST_BANS_ON_THE_WAY + 11);
});

test('what stands in the kernel already is told, also where its device is waiting', () => {
  const { box, sent, flush, take } = outbox();
  for (let i = 0; i < MOST_BANS_ON_THE_WAY + 1; i++) box.tell(told(ban(i)));
  flush();
  const banned = { prefix: ban(MOST_BANS_ON_THE_WAY).source, at: 7 };
  box.tell(told(ban(MOST_BANS_ON_THE_WAY), 5, banned));
  take(1);
  flush();
  expect(sent.at(-1)).toMatchObject({ takenAt: 5, banned });
});

test('what waits has an end, too: that alone loses bans', () => {
  const { box, lost } = outbox();
  for (let i = 0; i < MOST_BANS_ON_THE_WAY + MOST_WAITING + 2; i++) box.tell(told(ban(i)));
  expect(lost()).toMatchObject({ attack: 0, ban: 2 });
});

test('the count of what is on the way goes over 32 bits', () => {
  const { box, sent, flush, take, lost } = outbox();
  for (let i = 0; i < 5; i++) {
    // As if so many had been sent and taken.
    Object.assign(box, { sent: 2 ** 31 - 2 });
    take(i === 0 ? 2 ** 31 - 2 : -4);
    for (let j = 0; j < 4; j++) box.tell(told(ban(j)));
    flush();
    take(4);
  }
  expect(sent).toHaveLength(20);
  expect(lost()).toMatchObject({ attack: 0, ban: 0 });
});

test.each([
  ['an attack that was dropped', {}, true],
  ['one that was only told', { blocked: false }, false],
  ['one that is only dropped', { response: 'drop' }, false],
  ['a web address', { kind: 'web-address' }, false],
  ['what a protected host has sent', { protectedEnd: 'source' }, false],
  ['a host that is to be isolated', { response: 'isolate', protectedEnd: 'source' }, true],
  ['a sender that may be forged', { handshake: false }, false],
] as const)('somebody is to be banned for %s: %s', (_what, fields, expected) => {
  expect(asksForBan(ban(1, fields as Partial<Detection>), false)).toBe(expected);
});

test('a sender that may be forged, where that is no matter', () => {
  expect(asksForBan(ban(1, { handshake: false }), true)).toBe(true);
});
