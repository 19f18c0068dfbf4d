import { element, integer, text } from '../../testing/asn1/elements';
import { Random, testSeed } from '../../testing/random';
import { record } from '../../testing/recorder';
import { type ProbedFlow, type Transaction, Transport } from '../transaction';
import { createSnmp } from './definition';

const snmp = createSnmp();
const sequence = (...parts: Buffer[]) => element(0x30, ...parts);
const SYSTEM = element(0x06, Buffer.from([0x2b, 6, 1, 2, 1, 1, 1, 0]));
const BINDINGS = sequence(sequence(SYSTEM, element(0x05)));
const pdu = (type: number) => element(0xa0 + type, integer(1234), integer(0), integer(0), BINDINGS);
const version2 = (type: number, community = 'public') => sequence(integer(1), text(community), pdu(type));

function version3(flags: number, model: number, data: Buffer): Buffer {
  const user = sequence(text('engine'), integer(1), integer(2), text('admin'), text(''), text(''));
  const head = sequence(integer(7), integer(65507), element(0x04, Buffer.from([flags])), integer(model));
  return sequence(integer(3), head, element(0x04, user), data);
}

const scoped = sequence(text('engine'), text(''), pdu(1));
const see = (bytes: Buffer) => record(snmp, [[0, bytes]], Transport.UDP);

test('versions 1 and 2', () => {
  expect(see(version2(0, 'secret')).transactions).toEqual([
    {
      id: 0,
      buffers: {
        '>snmp.version': '\x00\x00\x00\x02',
        '>snmp.community': 'secret',
        '>snmp.pdu_type': '\x00\x00\x00\x00',
      },
      events: [],
      progress: [1, 0],
      ended: 1,
    },
  ]);
  const address = element(0x40, Buffer.from([192, 0, 2, 1]));
  const trap = sequence(
    integer(0),
    text('public'),
    element(0xa4, SYSTEM, address, integer(6), integer(1), element(0x43, Buffer.from([5])), BINDINGS),
  );
  expect(see(trap).transactions[0].buffers).toMatchObject({
    '>snmp.version': '\x00\x00\x00\x01',
    '>snmp.pdu_type': '\x00\x00\x00\x04',
  });
});

test('version 3, with and without encryption', () => {
  expect(see(version3(0, 3, scoped)).transactions[0].buffers).toEqual({
    '>snmp.version': '\x00\x00\x00\x03',
    '>snmp.usm': 'admin',
    '>snmp.pdu_type': '\x00\x00\x00\x01',
  });
  expect(see(version3(3, 3, text('encrypted'))).transactions[0].buffers).toEqual({
    '>snmp.version': '\x00\x00\x00\x03',
    '>snmp.usm': 'admin',
  });
  expect(see(version3(0, 99, scoped)).transactions[0].events).toEqual(['>snmp.unknown_security_model']);
});

test('what is not right', () => {
  const { transactions } = record(
    snmp,
    [
      [0, version2(0)],
      [1, version3(0, 3, scoped)],
    ],
    Transport.UDP,
  );
  expect(transactions[1].events).toEqual(['<snmp.version_mismatch']);
  for (const bytes of [version2(9), version2(0).subarray(0, 20), sequence(integer(1)), Buffer.from('text')]) {
    expect(see(bytes).summary()).toMatchObject({ transactions: [], events: ['>snmp.malformed_data'] });
  }
});

test('what is told', () => {
  const told: unknown[] = [];
  const parser = snmp.create(
    {
      onProgress: (tx: Transaction) => told.push(snmp.describe?.(tx)),
      onTransactionEnd() {},
      onEvent() {},
      onUpgrade() {},
      onExpectation() {},
    },
    Transport.UDP,
  );
  const bytes = version2(5);
  parser.feed(0, bytes, 0, bytes.length);
  expect(told).toEqual([
    { version: 2, pdu_type: 'get_bulk_request', vars: ['1.3.6.1.2.1.1.1.0'], community: 'public' },
  ]);
});

test('told by its bytes', () => {
  const probe = (bytes: Buffer, serverPort: number) => {
    const flow: ProbedFlow = { transport: Transport.UDP, serverPort, clientPort: 40000 };
    return snmp.probe(0, bytes, 0, bytes.length, flow);
  };
  expect(probe(version2(0), 9000)).toBe(1);
  expect(probe(version3(3, 3, text('encrypted')), 9000)).toBe(1);
  expect(probe(version2(9), 9000)).toBe(-1);
  expect(probe(version2(9), 161)).toBe(1);
  expect(probe(sequence(integer(4), text('public')), 161)).toBe(-1);
  expect(probe(sequence(integer(1), element(0x60, integer(3))), 161)).toBe(-1);
});

test('mutations harm nothing', () => {
  const random = new Random(testSeed());
  try {
    for (let run = 0; run < 300; run++) {
      const bytes = Buffer.from([version2(2), version3(0, 3, scoped)][random.next(2)]);
      for (let i = random.next(6); i > 0; i--) bytes[random.next(bytes.length)] = random.next(256);
      see(bytes.subarray(0, random.next(bytes.length + 1)));
    }
  } catch (error) {
    throw new Error(`SEED=${random.seed}: ${error}`);
  }
});
