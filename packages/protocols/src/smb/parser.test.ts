import { bytesOf, feedAll, type Piece, Recorder, record } from '../../testing/recorder';
import { expectNothingThrown, expectSameWhereverCut } from '../../testing/robustness';
import * as smb from '../../testing/smb/messages';
import { Transport } from '../transaction';
import { createSmb } from './definition';
import { LARGEST_WINDOW } from './parser';
import { MOST_FILES, MOST_PIPES, MOST_WAITING } from './session';
import { MOST_CHAINED } from './smb1';

const definition = createSmb();
const { session, le16, le32 } = smb;
const up = (...messages: Buffer[]): Piece => [0, Buffer.concat(messages.map(session))];
const down = (...messages: Buffer[]): Piece => [1, Buffer.concat(messages.map(session))];

/** A PDU of DCE/RPC, little-endian. */
const pdu = (type: number, flags: number, body: number[] | Buffer) =>
  Buffer.concat([
    Buffer.from([5, 0, type, flags, 0x10, 0, 0, 0, ...le16(16 + body.length), 0, 0, 1, 0, 0, 0]),
    Buffer.from(body),
  ]);
const UUID = Array.from({ length: 16 }, (_, i) => 0x20 + i);
const bind = pdu(11, 3, [
  ...Array(8).fill(0),
  1,
  0,
  0,
  0,
  0,
  0,
  1,
  0,
  ...UUID,
  2,
  0,
  0,
  0,
  ...Array(20).fill(0),
]);
const bindAck = pdu(12, 3, [...Array(8).fill(0), 0, 0, 0, 0, 1, 0, 0, 0, ...Array(24).fill(0)]);
const request = (flags: number, stub: string) =>
  pdu(0, flags, Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 0, 12, 0]), bytesOf(stub)]));

const content = Buffer.from(Array.from({ length: 900 }, (_, i) => 0x30 + (i % 70)));

const conversation: Piece[] = [
  up(smb.smb1(0x72, [], bytesOf('\x02NT LM 0.12\0'))),
  down(smb.negotiateAnswer(0)),
  up(smb.setUp(1, 'DOM', 'doe')),
  down(smb.smb2(1, [Buffer.alloc(9)], { response: true, message: 1 })),
  up(smb.treeConnect(2, '\\\\srv\\C$'), smb.treeConnect(3, '\\\\srv\\IPC$')),
  down(smb.treeAnswer(2, 11, 1), smb.treeAnswer(3, 12, 2)),
  up(smb.create(4, 11, 'dir\\evil.exe')),
  down(smb.createAnswer(4, 11)),
  up(smb.write(5, 11, 0, content.subarray(0, 500)), smb.write(6, 11, 500, content.subarray(500))),
  down(smb.writeAnswer(5, 11), smb.writeAnswer(6, 11)),
  up(smb.read(7, 11, 0, 900)),
  down(
    smb.smb2(8, [Buffer.alloc(9)], { response: true, message: 7, status: 0x103 }),
    smb.readAnswer(7, 11, content),
  ),
  up(smb.close(8, 11)),
  down(smb.closeAnswer(8, 11)),
  up(smb.create(9, 12, 'svcctl')),
  down(smb.createAnswer(9, 12)),
  up(smb.write(10, 12, 0, bind)),
  down(smb.writeAnswer(10, 12)),
  up(smb.read(11, 12, 0, 1024)),
  down(smb.readAnswer(11, 12, bindAck.subarray(0, 20), 0x80000005)),
  up(smb.read(12, 12, 0, 1024)),
  down(smb.readAnswer(12, 12, bindAck.subarray(20))),
  up(smb.write(13, 12, 0, request(1, 'ab')), smb.transceive(14, 12, request(2, 'cd'))),
  down(smb.writeAnswer(13, 12), smb.transceiveAnswer(14, 12, pdu(2, 3, bytesOf('answer')))),
];

test('a session of version 3: names, shares, a file both ways, a call through a pipe', () => {
  const { transactions, events } = record(definition, conversation);
  expect(events).toEqual([]);
  const shown = transactions.map(({ buffers }) => buffers);
  const holding = (key: string) => shown.filter((buffers) => key in buffers);
  expect(holding('>smb.ntlmssp_user[0]')).toEqual([]);
  expect(holding('>smb.ntlmssp_user')).toMatchObject([
    { '>smb.ntlmssp_user': 'doe', '>smb.ntlmssp_domain': 'DOM' },
  ]);
  expect(holding('>smb.share')).toMatchObject([{ '>smb.share': '\\\\srv\\C$', '<smb.share': '\\\\srv\\C$' }]);
  expect(holding('>smb.named_pipe')).toMatchObject([{ '>smb.named_pipe': '\\\\srv\\IPC$' }]);
  expect(holding('>file.data[0]')).toMatchObject([
    {
      '>file.data[0]': content.toString('latin1'),
      '>file.name[0]': 'dir\\evil.exe',
      '>file.size[0]': '\0\0\0\0\0\0\x03\x84',
    },
  ]);
  expect(holding('<file.data[0]')).toMatchObject([{ '<file.data[0]': content.toString('latin1') }]);
  expect(holding('>dcerpc.stub_data')).toMatchObject([
    {
      '>dcerpc.stub_data': 'abcd',
      '>dcerpc.opnum': '\0\x0c',
      '>dcerpc.iface': `${Buffer.from([0x23, 0x22, 0x21, 0x20, 0x25, 0x24, 0x27, 0x26, ...UUID.slice(8)]).toString('latin1')}\0\x02\x01`,
      '<dcerpc.stub_data': 'answer',
      '>smb.version': '\x02',
    },
  ]);
  expect(holding('>smb.version').some((buffers) => buffers['>smb.version'] === '\x01')).toBe(true);
  expect(transactions.every(({ ended }) => ended === 1)).toBe(true);
});

test('cuts do not matter', () => expectSameWhereverCut(definition, conversation));

test('mutations do no harm', () => {
  expectNothingThrown(definition, conversation, 60);
  expectNothingThrown(definition, old, 60);
});

const name = Buffer.concat([Buffer.from([0]), smb.wide('\\eicar.com\0')]);
const chained = (words: number[]) => [0xff, 0, 0, 0, ...words];
/** OPEN_ANDX and, in the same message, a write. */
const old: Piece[] = [
  up(smb.smb1(0x75, chained([0, 0, ...le16(1)]), Buffer.concat([Buffer.from([0]), smb.wide('\\\\srv\\IPC$\0'), bytesOf('?????\0')]))),
  down(smb.smb1(0x75, chained([0, 0]), bytesOf('IPC\0x\0'), { response: true })),
  up(smb.smb1(0xa2, chained([0, ...le16(name.length - 1), ...Array(41).fill(0)]), name, { message: 2 })),
  down(smb.smb1(0xa2, chained([0, ...le16(77), ...Array(61).fill(0)]), [], { response: true, message: 2 })),
  up(smb.smb1(0x25, [...Array(18).fill(0), 0, 0, 0, 0, ...le16(bind.length), ...le16(32 + 1 + 32 + 2), 2, 0, ...le16(0x26), ...le16(77)], bind, { message: 3 })),
  down(smb.smb1(0x25, [...Array(12).fill(0), ...le16(bindAck.length), ...le16(32 + 1 + 20 + 2), 0, 0, 0, 0], bindAck, { response: true, message: 3 })),
  up(smb.smb1(0x25, [...Array(18).fill(0), 0, 0, 0, 0, ...le16(request(3, 'old').length), ...le16(32 + 1 + 32 + 2), 2, 0, ...le16(0x26), ...le16(77)], request(3, 'old'), { message: 4 })),
]; // biome-ignore format: messages

function writeAndX(fid: number, offset: number, data: string, padding: number, message: number): Buffer {
  const words = chained([
    ...le16(fid),
    ...le32(offset),
    ...Array(8).fill(0),
    ...le16(0),
    ...le16(data.length),
    ...le16(32 + 1 + 24 + 2 + padding),
  ]);
  return smb.smb1(0x2f, words, Buffer.concat([Buffer.alloc(padding, 0x50), bytesOf(data)]), { message });
}

test('version 1: a pipe and a call through TRANS, a file with padding before its data', () => {
  const { transactions } = record(definition, old);
  const shown = transactions.map(({ buffers }) => buffers);
  expect(shown).toContainEqual(
    expect.objectContaining({ '>smb.named_pipe': '\\\\srv\\IPC$', '>smb.version': '\x01' }),
  );
  expect(shown).toContainEqual(
    expect.objectContaining({
      '>dcerpc.opnum': '\0\x0c',
      '>dcerpc.stub_data': 'old',
      '>dcerpc.iface': expect.any(String),
    }),
  );
  const file: Piece[] = [
    up(
      smb.smb1(
        0x75,
        chained([0, 0, ...le16(1)]),
        Buffer.concat([Buffer.from([0]), smb.wide('\\\\srv\\C\0'), bytesOf('A:\0')]),
      ),
    ),
    down(smb.smb1(0x75, chained([0, 0]), bytesOf('A:\0x\0'), { response: true })),
    up(smb.smb1(0xa2, chained([0, ...le16(name.length - 1), ...Array(41).fill(0)]), name, { message: 2 })),
    down(smb.smb1(0xa2, chained([0, ...le16(77), ...Array(61).fill(0)]), [], { response: true, message: 2 })),
    up(writeAndX(77, 0, 'hello ', 1, 3), writeAndX(77, 6, 'world', 700, 4), writeAndX(77, 2, 'again', 1, 5)),
    up(smb.smb1(0x04, le16(77).concat([0, 0, 0, 0]), [], { message: 6 })),
  ];
  const { transactions: written } = record(definition, file);
  expect(written.filter(({ buffers }) => '>file.data[0]' in buffers)).toMatchObject([
    {
      buffers: { '>file.data[0]': 'hello world', '>file.name[0]': '\\eicar.com' },
      events: ['>smb.file_overlap', '<smb.file_overlap'],
    },
  ]);
  expectSameWhereverCut(definition, file);
});

test('a write that is longer than what is gathered; a gap in it', () => {
  const long = Buffer.alloc(LARGEST_WINDOW * 2, 0x61);
  const message = session(smb.write(5, 11, 0, long));
  const before = conversation.slice(0, 8);
  const whole = record(definition, [
    ...before,
    [0, message.subarray(0, 3000)],
    [0, message.subarray(3000)],
    up(smb.close(6, 11)),
  ]);
  const sizes = whole.transactions.flatMap(({ buffers }) => buffers['>file.size[0]'] ?? []);
  expect(sizes).toEqual(['\0\0\0\0\0\x02\0\0']);

  const recorder = new Recorder(definition.buffers);
  const parser = definition.create(recorder, Transport.TCP);
  feedAll(parser, [...before, [0, message.subarray(0, 3000)]]);
  parser.gap(0, 100_000);
  feedAll(parser, [[0, message.subarray(103_000)], up(smb.close(6, 11))]);
  parser.close(0);
  parser.close(1);
  expect(parser.heldBytes()).toBe(0);
  const files = recorder.transactions.filter(({ buffers }) => '>file.data[0]' in buffers);
  expect(files).toHaveLength(1);
  expect(files[0].buffers['>file.size[0]']).toBeUndefined();
  expect(files[0].buffers['>file.data[0]'].length).toBe(message.length - 103_000);
  expect(recorder.events).toEqual([]);
});

test('a chain whose later messages mean the file that its first one opens', () => {
  const first = smb.create(4, 11, 'x');
  const padded = Buffer.concat([first, Buffer.alloc(-first.length & 7)]);
  padded.writeUInt32LE(padded.length, 20);
  const chain = Buffer.concat([padded, smb.write(5, 11, 0, bytesOf('planted'), smb.RELATED_ID, true)]);
  const { transactions } = record(definition, [...conversation.slice(0, 6), up(chain)]);
  expect(
    transactions.some(
      ({ buffers }) => buffers['>file.data[0]'] === 'planted' && buffers['>file.name[0]'] === 'x',
    ),
  ).toBe(true);
});

test('what waits is bounded; a request from the server and a record that is none are told', () => {
  const many = Array.from({ length: MOST_WAITING + 3 }, (_, i) =>
    smb.smb2(13, [[4, 0, 0, 0]], { message: i }),
  );
  const { transactions } = record(definition, [up(...many)]);
  expect(transactions.flatMap(({ events }) => events)).toEqual(Array(3).fill('>smb.too_many_transactions'));
  const files = Array.from({ length: MOST_FILES + 2 }, (_, i) =>
    smb.write(i, 11, 0, bytesOf('x'), [...le16(i), ...Array(14).fill(1)]),
  );
  expect(
    record(definition, [up(...files)]).transactions.filter(({ buffers }) => '>file.data[0]' in buffers),
  ).toHaveLength(MOST_FILES + 2);
  const { events } = record(definition, [down(smb.close(1, 1)), [0, bytesOf('\0\0\0\x40GARBAGE.....')]]);
  expect(events).toEqual(['<smb.request_to_client', '>smb.request_to_client', '>smb.malformed_data']);
});

test('version 1: a request behind very many others in one message', () => {
  const connect = smb.smb1(
    0x75,
    chained([0, 0, ...le16(1)]),
    Buffer.concat([Buffer.from([0]), smb.wide('\\\\srv\\C$\0'), bytesOf('A:\0')]),
  );
  const header = connect.subarray(0, 32);
  const link = (next: number, at: number) => Buffer.from([2, next, 0, ...le16(at + 7), 0, 0]);
  const behind = (links: number) => {
    const chain = Array.from({ length: links }, (_, i) => link(i === links - 1 ? 0x75 : 0x74, 32 + 7 * i));
    const first = Buffer.from(header);
    first[4] = 0x74;
    return record(definition, [
      up(Buffer.concat([first, ...chain, connect.subarray(32)])),
      [1, session(smb.smb1(0x75, chained([0, 0]), bytesOf('A:\0x\0'), { response: true }))],
    ]);
  };
  const shares = ({ transactions }: ReturnType<typeof record>) =>
    transactions.map(({ buffers }) => buffers['>smb.share']).filter((share) => share !== undefined);
  expect(shares(behind(100))).toEqual(['\\\\srv\\C$']);
  const { events, transactions } = behind(MOST_CHAINED);
  expect([...events, ...transactions.flatMap((each) => each.events)]).toContain('>smb.malformed_data');
});

test('a message behind very many others in one record is looked at', () => {
  const echo = (message: number) => smb.smb2(13, [[4, 0, 0, 0]], { message });
  const many = Array.from({ length: 200 }, (_, i) => echo(i));
  const compound = Buffer.concat(
    many.map((message, index) => {
      const copy = Buffer.concat([message, Buffer.alloc((8 - (message.length % 8)) % 8)]);
      if (index < many.length - 1) copy.writeUInt32LE(copy.length, 20);
      return copy;
    }),
  );
  expect(record(definition, [[0, session(compound)]]).transactions).toHaveLength(many.length);
});

test('a pipe that is pushed out by others is told', () => {
  const pipes = (count: number) =>
    Array.from({ length: count }, (_, i) => smb.write(i, 11, 0, bind, [...le16(i), ...Array(14).fill(1)]));
  const events = (count: number) => {
    const recorded = record(definition, [up(...pipes(count))]);
    return [...recorded.events, ...recorded.transactions.flatMap((transaction) => transaction.events)];
  };
  expect(events(MOST_PIPES)).toEqual([]);
  expect(events(MOST_PIPES + 1)).toContain('>smb.too_many_transactions');
});

test('what is SMB and what is not', () => {
  const probe = (bytes: Buffer) =>
    definition.probe(0, bytes, 0, bytes.length, { transport: Transport.TCP, clientPort: 1, serverPort: 445 });
  expect(probe(conversation[0][1])).toBe(1);
  expect(probe(conversation[0][1].subarray(0, 6))).toBe(0);
  const alive = Buffer.from([0x85, 0, 0, 0]);
  expect(probe(Buffer.concat([alive, alive, conversation[0][1]]))).toBe(1);
  expect(probe(Buffer.concat([alive, alive.subarray(0, 2)]))).toBe(0);
  expect(probe(Buffer.from([0x85, 0, 0, 1, 1]))).toBe(-1);
  const late: Piece[] = [[0, Buffer.concat([alive, conversation[0][1]])], ...conversation.slice(1)];
  expect(record(definition, late).transactions).toEqual(record(definition, conversation).transactions);
  expect(probe(Buffer.from([0x81, 0, 0, 0x44, 0x20, 0x43]))).toBe(1);
  expect(probe(Buffer.from([0, 0, 0, 0x44, 1, 2, 3, 4]))).toBe(-1);
  expect(probe(bytesOf('GET / HTTP/1.0'))).toBe(-1);
});
