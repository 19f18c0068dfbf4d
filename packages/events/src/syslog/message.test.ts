import { alert } from '../../testing/records';
import type { EveRecord } from '../record';
import { commonEventFormat } from './cef';
import { octetCounted, type SyslogFormat, syslogMessage, syslogPriority } from './message';

const format: SyslogFormat = {
  format: 'json',
  facility: 'local4',
  appName: 'portcullis',
  hostname: 'gate way',
  version: '1.2.3',
  longest: 8192,
};
const ban: EveRecord = {
  timestamp: '2026-01-31T12:00:00.123456+0000',
  event_type: 'ban',
  src_ip: '2001:db8::9',
  ban: { action: 'added', prefix: '2001:db8::9/128', until: '2026-01-31T13:00:00.000Z', reason: 'a=b\\c\nd' },
};

describe('RFC 5424', () => {
  test('the header has every field, and the message is JSON', () => {
    const text = syslogMessage(ban, 41, format).toString('latin1');
    const match =
      /^<(\d+)>1 (\S+) (\S+) (\S+) (\d+) (\S+) \[meta sequenceId="(\d+)"\] (.*)$/s.exec(text) ?? [];
    expect(match.slice(1, 8)).toEqual([
      String(20 * 8 + 5),
      '2026-01-31T12:00:00.123456Z',
      'gate_way',
      'portcullis',
      String(process.pid),
      'ban',
      '42',
    ]);
    expect(JSON.parse(match[8] as string)).toEqual(ban);
  });

  test('a message is ASCII and one line, whatever a packet held', () => {
    const hostile = alert(1, { http: { url: 'ü\u009b31m\n\u0000\ud83d\ude00\ud800' } });
    const bytes = syslogMessage(hostile, 0, format);
    expect(bytes.every((byte) => byte >= 0x20 && byte < 0x7f)).toBe(true);
    expect(JSON.parse(bytes.toString('latin1').replace(/^.*?\] /, ''))).toEqual(hostile);
  });

  test('a message that is too long has the main fields', () => {
    const long = alert(1, { http: { url: 'u'.repeat(10_000) } });
    const text = syslogMessage(long, 0, format).toString('latin1');
    expect(text.length).toBeLessThan(1000);
    expect(JSON.parse(text.replace(/^.*?\] /, ''))).toEqual(alert(1));
  });

  test('the sequence stays within what the field may hold', () => {
    expect(syslogMessage(ban, 0x7fffffff, format).toString()).toContain('sequenceId="1"');
    expect(syslogMessage(ban, 0x7ffffffe, format).toString()).toContain('sequenceId="2147483647"');
  });

  test.each([
    [alert(1), 2],
    [alert(1, { alert: { ...alert(1).alert, severity: 2 } as never }), 4],
    [alert(1, { alert: { ...alert(1).alert, severity: 4 } as never }), 6],
    [ban, 5],
    [{ ...ban, ban: { action: 'failed' } }, 3],
    [{ ...ban, event_type: 'engine' as const }, 4],
  ])('severity %#', (record, severity) => expect(syslogPriority(record, 'kern')).toBe(severity));

  test('octet counting counts bytes', () => {
    expect(octetCounted(Buffer.from('ü')).toString()).toBe('2 ü');
  });
});

describe('CEF', () => {
  test('an alert', () => {
    const record = alert(7, { portcullis: { event: 'network_attack_detected', mode: 'standard' } });
    expect(commonEventFormat(record, '1.2.3')).toBe(
      'CEF:0|Portcullis|Portcullis|1.2.3|1:2000001|An attack|9|rt=1700000000000 act=blocked ' +
        'cat=Attempted Administrator Privilege Gain externalId=7 src=203.0.113.9 spt=40000 dst=192.0.2.1 dpt=80 ' +
        'proto=TCP cs1=network_attack_detected cs1Label=event cs2=standard cs2Label=mode',
    );
  });

  test('a ban of an IPv6 device, with what has to be escaped', () => {
    expect(commonEventFormat(ban, '1')).toBe(
      'CEF:0|Portcullis|Portcullis|1|ban:added|Ban added|5|rt=1769860800123 act=added c6a2=2001:db8::9 ' +
        'c6a2Label=Source IPv6 Address cs3=2001:db8::9/128 cs3Label=banned cs4=2026-01-31T13:00:00.000Z ' +
        'cs4Label=bannedUntil reason=a\\=b\\\\c\\nd',
    );
  });

  test('a rule cannot forge fields', () => {
    const forged = alert(1, {
      alert: { ...alert(1).alert, signature: 'a|b\\|c\nCEF:0|x\u001b', category: 'x src=1.2.3.4' } as never,
    });
    const text = commonEventFormat(forged, '1');
    expect(text).toContain('|a\\|b\\\\\\|c CEF:0\\|x?|');
    expect(text).toContain('cat=x src\\=1.2.3.4 ');
    expect(text).not.toContain('\n');
  });
});
