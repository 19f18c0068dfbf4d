/** What packets have put into a record cannot forge a line, or have a terminal do something, in any output. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { alert } from '../testing/records';
import { eveJson } from './eve-json';
import { FanOutSink } from './fan-out-sink';
import { FileSink } from './file-sink';
import type { EveRecord } from './record';
import { MemorySink } from './sink';
import { syslogMessage } from './syslog/message';

const HOSTILE = `/a\u001b[2J\u001b]0;owned\u0007\u009b31m\u202e\u2028\u0000\r\u007f"}\n{"event_type":"alert"}\n<0>1 - forged - - - -`;
const ACTED_UPON = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** An alert with that in every text that could come from a packet, a rule or a feed. */
function hostile(): EveRecord {
  const record = alert(1) as EveRecord & { http?: unknown };
  record.http = { url: HOSTILE, hostname: HOSTILE, http_user_agent: HOSTILE };
  record.app_proto = HOSTILE;
  record.in_iface = HOSTILE;
  if (record.alert) Object.assign(record.alert, { signature: HOSTILE, category: HOSTILE });
  return record;
}

test('an EVE file has one line for a record, which can be shown as it is and says the same', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'injection-'));
  try {
    const path = join(directory, 'eve.json');
    const file = await new FileSink(path).start();
    const sink = new FanOutSink([{ name: 'eve', sink: file, events: ['alert'] }]);
    sink.write(hostile());
    file.write(hostile());
    await sink.close();
    const lines = readFileSync(path, 'utf8').split('\n');
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).not.toMatch(ACTED_UPON);
    expect(lines.slice(0, 2).map((line) => JSON.parse(line))).toEqual([hostile(), hostile()]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('so has what goes to sockets and webhooks, which get the text that the file gets', () => {
  const outlet = new MemorySink();
  const texts: (string | undefined)[] = [];
  outlet.write = (_record: EveRecord, text?: string) => void texts.push(text);
  new FanOutSink([{ name: 'webhook', sink: outlet, events: ['alert'] }]).write(hostile());
  expect(texts).toEqual([eveJson(hostile())]);
  expect(texts[0]).not.toMatch(ACTED_UPON);
});

test.each(['json', 'cef'] as const)('a syslog message as %s is one line of plain text', (format) => {
  const settings = {
    format,
    facility: 'local0',
    appName: HOSTILE,
    hostname: HOSTILE,
    version: '1',
    longest: 100_000,
  } as const;
  const text = syslogMessage(hostile(), 1, settings).toString('utf8');
  expect(text).toContain('owned');
  expect(text).not.toMatch(ACTED_UPON);
});
