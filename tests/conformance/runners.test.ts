/** The runners' own parts: a judge that is wrong would call anything right. */

import { compare } from './agreement/compare';
import type { AlertGroup } from './agreement/reference';
import { precision, recall } from './agreement/report';
import { sizeOf } from './verify/engine-settings';
import { differingFields, valueAt } from './verify/eve-match';
import { isJudged } from './verify/run-test';

const record = {
  event_type: 'alert',
  src_ip: '2001:db8::1',
  pcap_cnt: 7,
  alert: { signature_id: 1, metadata: { tags: ['a', 'b'] } },
};
const sameText = (a: string, b: string) => a === b;

test('values are found by path', () => {
  expect(valueAt(record, 'alert.signature_id')).toBe(1);
  expect(valueAt(record, 'alert.metadata.tags[1]')).toBe('b');
  expect(valueAt(record, 'alert.metadata.tags[2]')).toBeUndefined();
  expect(valueAt(record, 'alert.signature_id.more')).toBeUndefined();
  expect(valueAt(record, 'pcap_cnt[0]')).toBeUndefined();
});

test('a record matches in value and type', () => {
  expect(differingFields(record, { event_type: 'alert', 'alert.signature_id': 1 }, sameText)).toEqual([]);
  expect(differingFields(record, { pcap_cnt: '7', 'alert.signature_id': 2 }, sameText)).toEqual([
    'pcap_cnt',
    'alert.signature_id',
  ]);
  expect(differingFields(record, { 'has-key': 'pcap_cnt', 'not-has-key': 'app_proto' }, sameText)).toEqual(
    [],
  );
  expect(differingFields(record, { 'has-key': 'app_proto' }, sameText)).toEqual(['app_proto']);
  expect(differingFields(record, { 'not-has-key': 'pcap_cnt' }, sameText)).toEqual(['pcap_cnt']);
});

test('addresses are compared as addresses', () => {
  const wanted = { src_ip: '2001:0db8:0000:0000:0000:0000:0000:0001' };
  expect(differingFields(record, wanted, sameText)).toEqual(['src_ip']);
  expect(differingFields(record, wanted, () => true)).toEqual([]);
});

test('only filters over fields of our records are judged', () => {
  expect(isJudged({ count: 1, match: { event_type: 'alert', 'alert.rev': 1, pcap_cnt: 3 } })).toBe(true);
  expect(isJudged({ count: 1, match: { event_type: 'alert', 'frame.type': 'pdu' } })).toBe(false);
});

test('sizes have units of powers of two', () => {
  expect([sizeOf('8kb'), sizeOf('1 MB'), sizeOf(0), sizeOf('200')]).toEqual([8192, 1 << 20, 0, 200]);
  expect(sizeOf('much')).toBeNaN();
});

test('agreement counts unique sids, and sids with their ends', () => {
  const alert = (sid: number, sport: number | null, src = '10.0.0.1'): AlertGroup => ({
    sid,
    proto: 'TCP',
    src,
    sport,
    dst: '10.0.0.2',
    dport: 80,
    app_proto: 'http',
    n: 1,
  });
  const found = (alerts: AlertGroup[]) => [
    { pcap: 'one', packets: 1, bytes: 1, seconds: 0, error: null, alerts },
  ];
  const reference = [{ pcap: 'one', packets: 1, alerts: [alert(1, 1000), alert(1, 1001), alert(2, 1000)] }];
  const { pairs, tuples, agreeing } = compare(reference, found([alert(1, 1000), alert(3, 1000)]));
  expect([pairs.both, pairs.missing.length, pairs.surplus.length]).toEqual([1, 1, 1]);
  expect([tuples.both, tuples.missing.length, tuples.surplus.length]).toEqual([1, 2, 1]);
  expect([recall(tuples), precision(tuples)]).toEqual([1 / 3, 1 / 2]);
  expect(agreeing).toEqual([]);
  const same = compare(reference, found([alert(2, 1000), alert(1, 1001), alert(1, 1000), alert(1, 1000)]));
  expect(same.agreeing).toEqual(['one']);
});
