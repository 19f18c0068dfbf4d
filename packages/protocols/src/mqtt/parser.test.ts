import { type Piece, record } from '../../testing/recorder';
import { expectNothingThrown, expectSameWhereverCut } from '../../testing/robustness';
import { Transport } from '../transaction';
import { createMqtt } from './definition';
import { LONGEST_MQTT_MESSAGE, MOST_OPEN } from './parser';

const mqtt = createMqtt();
const text = (value: string | Buffer) => {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
};
function message(first: number, ...parts: (Buffer | number[])[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const length: number[] = [];
  let rest = body.length;
  do {
    length.push((rest & 127) | (rest > 127 ? 128 : 0));
    rest >>= 7;
  } while (rest > 0);
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}
const connect5 = message(
  0x10, text('MQTT'), [5, 0xc6, 0, 60, 5, 0x11, 0, 0, 0, 9], text('me'), [0], text('will/topic'), text('gone'), text('user'), text('pass'),
); // biome-ignore format: a message
const connack5 = message(0x20, [1, 0, 3, 0x21, 0, 20]);
const publish1 = message(0x3a, text('topicX'), [0, 7, 0], Buffer.from('\xff\xd8', 'latin1'));
const subscribe = message(0x82, [0, 8, 0], text('a/b'), [1], text('c'), [0]);
const session: Piece[] = [
  [0, connect5],
  [1, connack5],
  [0, Buffer.concat([publish1, subscribe])],
  [1, message(0x40, [0, 7, 0x10, 0])],
  [1, message(0x90, [0, 8, 0, 0, 0x80])],
  [1, message(0x31, text('t'), [0], Buffer.from('hello'))],
  [0, message(0xa2, [0, 9, 0], text('a/b'))],
  [1, message(0xb0, [0, 9, 0, 17])],
  [0, message(0xc0)],
  [1, message(0xd0)],
  [0, message(0xe0, [4])],
];

test('a session of version 5', () => {
  const { transactions, events } = record(mqtt, session);
  expect(events).toEqual([]);
  expect(transactions.map(({ buffers }) => buffers['>mqtt.type[0]'] ?? buffers['<mqtt.type[0]'])).toEqual([
    '\x01',
    '\x03',
    '\x08',
    '\x03',
    '\x0a',
    '\x0c',
    '\x0d',
    '\x0e',
  ]);
  expect(transactions[0].buffers).toEqual({
    '>mqtt.type[0]': '\x01',
    '>mqtt.type[1]': '\x02',
    '>mqtt.flags[0]': '\0',
    '>mqtt.flags[1]': '\0',
    '>mqtt.qos[0]': '\0',
    '>mqtt.qos[1]': '\0',
    '>mqtt.reason_code[0]': '\0',
    '>mqtt.connack.return_code[0]': '\0',
    '>mqtt.connack.session_present': '\x01',
    '>mqtt.protocol_version': '\x05',
    '>mqtt.connect.flags[0]': '\xc6',
    '>mqtt.connect.protocol_string': 'MQTT',
    '>mqtt.connect.clientid': 'me',
    '>mqtt.connect.willtopic': 'will/topic',
    '>mqtt.connect.willmessage': 'gone',
    '>mqtt.connect.username': 'user',
    '>mqtt.connect.password': 'pass',
  });
  expect(transactions[1].buffers).toMatchObject({
    '>mqtt.publish.topic': 'topicX',
    '>mqtt.publish.message': '\xff\xd8',
    '>mqtt.reason_code[0]': '\x10',
  });
  expect(transactions[2].buffers).toMatchObject({
    '>mqtt.subscribe.topic[0]': 'a/b',
    '>mqtt.subscribe.topic[1]': 'c',
    '>mqtt.reason_code[1]': '\x80',
  });
  expect(transactions[3].buffers).toMatchObject({
    '<mqtt.publish.message': 'hello',
    '<mqtt.flags[0]': '\x01',
  });
  expect(transactions[4].buffers).toMatchObject({
    '>mqtt.unsubscribe.topic[0]': 'a/b',
    '>mqtt.reason_code[0]': '\x11',
  });
  expect(transactions[7].buffers['>mqtt.reason_code[0]']).toBe('\x04');
  expect(transactions.every(({ ended }) => ended === 1)).toBe(true);
});

test('cuts do not matter', () => expectSameWhereverCut(mqtt, session));

test('mutations do no harm', () => expectNothingThrown(mqtt, session, 400));

const connect3 = message(0x10, text('MQIsdp'), [3, 2, 0, 60], text('x'));
const connack3 = message(0x20, [0, 0]);
test.each<[string, Piece[]]>([
  ['mqtt.missing_connect', [[1, connack3]]],
  ['mqtt.unintroduced_message', [[0, message(0x30, text('a'))]]],
  ['mqtt.double_connect', [[0, connect3], [1, connack3], [0, connect3]]],
  ['mqtt.invalid_qos_level', [[0, connect3], [1, connack3], [0, message(0x36, text('a'), [0, 1])]]],
  ['mqtt.missing_publish', [[0, connect3], [1, connack3], [1, message(0x40, [0, 1])]]],
  ['mqtt.missing_subscribe', [[0, connect3], [1, connack3], [1, message(0x90, [0, 1, 0])]]],
  ['mqtt.missing_unsubscribe', [[0, connect3], [1, connack3], [1, message(0xb0, [0, 1])]]],
  ['mqtt.unassigned_msg_type', [[0, connect3], [1, connack3], [0, message(0x00)]]],
  ['mqtt.malformed_traffic', [[0, connect3], [1, connack3], [0, message(0x30, [0, 9])], [0, connect3]]],
  ['mqtt.malformed_traffic', [[0, message(0x10, text('MQTT'), [5, 0, 0, 0, 99], text('x'))]]],
])('event %s', (event, pieces) => {
  const { transactions, events } = record(mqtt, pieces);
  const all = [...events, ...transactions.flatMap((tx) => tx.events)];
  expect(all).toHaveLength(1);
  expect(all[0]).toContain(event);
}); // biome-ignore format: a table

test('what waits is bounded, in number and in bytes', () => {
  const many = (size: number): Piece[] => [
    [0, connect3],
    [1, connack3],
    ...Array.from(
      { length: MOST_OPEN + 5 },
      (_, i): Piece => [0, message(0x32, text('a'), [i >> 8, i & 255], Buffer.alloc(size))],
    ),
  ];
  for (const size of [0, 10_000]) {
    const { transactions } = record(mqtt, many(size));
    const given = transactions.flatMap(({ events }) => events);
    expect(given.length).toBeGreaterThanOrEqual(5);
    expect(new Set(given)).toEqual(new Set(['>mqtt.too_many_transactions']));
    expect(transactions.every(({ ended }) => ended === 1)).toBe(true);
  }
});

test('of a very long publication the beginning is looked at, and the next message found', () => {
  const long = message(0x30, text('big'), Buffer.alloc(LONGEST_MQTT_MESSAGE, 0x61));
  const { transactions } = record(mqtt, [
    [0, connect3],
    [1, connack3],
    [0, long.subarray(0, 5000)],
    [0, long.subarray(5000)],
    [0, message(0xc0)],
  ]);
  expect(transactions.map(({ buffers }) => buffers['>mqtt.publish.message']?.length)).toEqual([
    undefined,
    LONGEST_MQTT_MESSAGE - 9,
    undefined,
  ]);
});

test('what is MQTT and what is not', () => {
  const probe = (bytes: Buffer, serverPort = 9999, direction: 0 | 1 = 0) =>
    mqtt.probe(direction, bytes, 0, bytes.length, { transport: Transport.TCP, clientPort: 4000, serverPort });
  expect(probe(connect5)).toBe(1);
  expect(probe(connect3)).toBe(1);
  expect(probe(connect3.subarray(0, 5))).toBe(0);
  expect(probe(connect3, 9999, 1)).toBe(-1);
  expect(probe(connack3, 9999, 1)).toBe(-1);
  expect(probe(connack3, 1883, 1)).toBe(1);
  expect(probe(publish1, 1883)).toBe(1);
  expect(probe(Buffer.from('GET / HTTP/1.0\r\n'), 1883)).toBe(-1);
});
