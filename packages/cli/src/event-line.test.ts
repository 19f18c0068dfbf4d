import type { EveRecord } from '@portcullis/events';
import { eventLine } from './event-line';
import { terminalSafe, terminalSafeJson } from './terminal-safe';

const at = { timestamp: '2026-01-31T12:00:00.123456+0000' };
const line = (record: object) => eventLine({ ...at, ...record } as EveRecord).replace(/^\S+ \S+ {2}/, '');
const attack = {
  event_type: 'alert',
  src_ip: '203.0.113.9',
  src_port: 4000,
  dest_ip: '192.0.2.1',
  dest_port: 80,
  alert: { action: 'blocked', signature: 'Attack', signature_id: 7 },
};

test.each<[object, string]>([
  [
    {
      ...attack,
      portcullis: { event: 'network_attack_detected', ban: { prefix: '203.0.113.9/32', duration_s: 3600 } },
    },
    'attack: Attack (sid 7) from 203.0.113.9 port 4000 to 192.0.2.1 port 80: dropped, 203.0.113.9/32 blocked for 1h',
  ],
  [
    { ...attack, portcullis: { ban: { refused: 'a gateway' } } },
    'alert: Attack (sid 7) from 203.0.113.9 port 4000 to 192.0.2.1 port 80: dropped, not blocked: a gateway',
  ],
  [
    { event_type: 'alert', src_ip: '::1', alert: { action: 'allowed', signature: 'Ping', signature_id: 8 } },
    'alert: Ping (sid 8) from ::1 to ?: seen',
  ],
  [
    { event_type: 'ban', ban: { action: 'added', prefix: '::1/128', until: 'T', reason: 'by hand' } },
    'ban added: ::1/128 until T: by hand',
  ],
  [{ event_type: 'engine', engine: { message: 'a flood' } }, 'engine: a flood'],
  [{ event_type: 'other', src_ip: '1.1.1.1' }, 'other: from 1.1.1.1 to ?'],
])('event %#', (record, want) => expect(line(record)).toBe(want));

test('the time is that of the place', () => {
  const text = eventLine({ ...at, event_type: 'engine', engine: { message: 'm' } } as EveRecord);
  const local = new Date('2026-01-31T12:00:00Z');
  expect(text.startsWith(`2026-01-${String(local.getDate()).padStart(2, '0')} `)).toBe(true);
  expect(eventLine({ timestamp: 'x', event_type: 'engine' } as EveRecord)).toMatch(/^- {2}/);
});

test('nothing from a packet reaches the terminal as anything but text', () => {
  const hostile = '\u001b]0;title\u0007\u009b31m\r\nfake line\u202edrow\u2028\u0000\u007f';
  const record = { ...attack, src_ip: hostile, alert: { ...attack.alert, signature: hostile } };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  const dangerous = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;
  expect(hostile).toMatch(dangerous);
  expect(eventLine({ ...at, ...record } as unknown as EveRecord)).not.toMatch(dangerous);
  expect(terminalSafe('\u001b[31m ü')).toBe('\\u001b[31m ü');
  const json = terminalSafeJson(record);
  expect(json).not.toMatch(dangerous);
  expect(JSON.parse(json)).toEqual(record);
});
