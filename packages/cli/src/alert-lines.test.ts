import type { BanFacts, EveRecord } from '@portcullis/events';
import { AlertLines, MOST_LINES, PERIOD_SECONDS } from './alert-lines';

const alert = (
  action: 'allowed' | 'blocked',
  ban?: BanFacts | { refused: string } | { failed: string },
): EveRecord => ({
  timestamp: '2026-01-31T12:00:00.000000+0000',
  event_type: 'alert',
  src_ip: '192.0.2.1',
  src_port: 40_000,
  dest_ip: '198.51.100.1',
  dest_port: 80,
  alert: { action, gid: 1, signature_id: 7, rev: 1, signature: 'a scan', category: '', severity: 2 },
  portcullis: ban ? { ban } : {},
});
const banned: BanFacts = {
  id: 'b1',
  prefix: '192.0.2.1',
  until: '2026-01-31T13:00:00.000Z',
  duration_s: 3600,
  count: 1,
  origin: 'attack',
};

describe('what is told of alerts', () => {
  let lines: string[];
  let told: AlertLines;
  beforeEach(() => {
    jest.useFakeTimers();
    lines = [];
    told = new AlertLines({ warn: (line) => lines.push(line) });
  });
  afterEach(() => jest.useRealTimers());

  const who = 'a scan (sid 7) from 192.0.2.1 port 40000 to 198.51.100.1 port 80';
  test.each([
    ['seen', alert('allowed')],
    ['dropped', alert('blocked')],
    ['dropped, 192.0.2.1 blocked for 1h', alert('blocked', banned)],
    ['dropped, not blocked: never', alert('blocked', { refused: 'never' })],
    ['dropped, NOT blocked: no room', alert('blocked', { failed: 'no room' })],
  ])('says who, what and what was done: %s', (done, record) => {
    told.tell(record);
    expect(lines).toEqual([`${who}: ${done}`]);
  });

  test('says nothing of ports where there are none', () => {
    const { src_port, dest_port, ...record } = alert('allowed');
    told.tell(record as EveRecord);
    expect(lines).toEqual(['a scan (sid 7) from 192.0.2.1 to 198.51.100.1: seen']);
  });

  test('makes a number of a flood, and begins anew when the period is over', () => {
    for (let number = 0; number < MOST_LINES + 1234; number++) told.tell(alert('allowed'));
    expect(lines).toHaveLength(MOST_LINES);
    jest.advanceTimersByTime(PERIOD_SECONDS * 1000);
    expect(lines.slice(MOST_LINES)).toEqual([
      '1 234 more alerts within 10 s: all of them are in the EVE file',
    ]);
    told.tell(alert('allowed'));
    expect(lines).toHaveLength(MOST_LINES + 2);
    jest.advanceTimersByTime(PERIOD_SECONDS * 1000);
    expect(lines).toHaveLength(MOST_LINES + 2);
  });

  test('tells of each ban, also in a flood', () => {
    for (let number = 0; number < MOST_LINES; number++) told.tell(alert('allowed'));
    told.tell(alert('blocked', { refused: 'too many' }));
    told.tell(alert('blocked', banned));
    told.tell(alert('blocked', { failed: 'no room' }));
    expect(lines.slice(MOST_LINES)).toEqual([`${who}: dropped, 192.0.2.1 blocked for 1h`]);
  });

  test('tells the rest at the end', () => {
    for (let number = 0; number < MOST_LINES + 1; number++) told.tell(alert('allowed'));
    told.close();
    expect(lines).toHaveLength(MOST_LINES + 1);
  });
});
