import { type EveRecord, eveTimestamp } from '../src/record';

/** An alert that can be told apart by its flow id. */
export function alert(n: number, more: Partial<EveRecord> = {}): EveRecord {
  return {
    timestamp: eveTimestamp(1_700_000_000_000_000 + n),
    flow_id: n,
    event_type: 'alert',
    src_ip: '203.0.113.9',
    src_port: 40_000,
    dest_ip: '192.0.2.1',
    dest_port: 80,
    proto: 'TCP',
    alert: {
      action: 'blocked',
      gid: 1,
      signature_id: 2_000_001,
      rev: 1,
      signature: 'An attack',
      category: 'Attempted Administrator Privilege Gain',
      severity: 1,
    },
    ...more,
  };
}

export const alerts = (first: number, count: number): EveRecord[] =>
  Array.from({ length: count }, (_, index) => alert(first + index));

export const flowIds = (lines: readonly string[]): number[] =>
  lines.map((line) => (JSON.parse(line) as { flow_id: number }).flow_id);

export const numbers = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => first + index);
