import { Random, rounds, testSeed } from '../../testing/random';
import { DynamicTable, type HeaderField, HpackDecoder, HpackStatus } from './hpack';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

function decode(decoder: HpackDecoder, block: Buffer) {
  const fields: string[] = [];
  const updates: number[] = [];
  const status = decoder.decode(block, 0, block.length, {
    field: ({ name, value }) => fields.push(`${text(name)}: ${text(value)}`),
    sizeUpdate: (size) => updates.push(size),
  });
  return { fields, status, updates };
}

const REQUESTS = [
  [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'],
  [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com', 'cache-control: no-cache'],
  [
    ':method: GET',
    ':scheme: https',
    ':path: /index.html',
    ':authority: www.example.com',
    'custom-key: custom-value',
  ],
];

test.each([
  [
    'C.3',
    [
      '828684410f7777772e6578616d706c652e636f6d',
      '828684be58086e6f2d6361636865',
      '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
    ],
  ],
  [
    'C.4',
    [
      '828684418cf1e3c2e5f23a6ba0ab90f4ff',
      '828684be5886a8eb10649cbf',
      '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
    ],
  ],
])('requests of RFC 7541 appendix %s', (_, blocks) => {
  const decoder = new HpackDecoder();
  expect(blocks.map((block) => decode(decoder, hex(block)).fields)).toEqual(REQUESTS);
  expect([decoder.table.count, decoder.table.size]).toEqual([3, 164]);
});

test('responses of RFC 7541 appendix C.6: entries make room for others', () => {
  const decoder = new HpackDecoder();
  decoder.table.resize(256);
  const date = 'date: Mon, 21 Oct 2013 20:13:21 GMT';
  const location = 'location: https://www.example.com';
  expect(
    decode(
      decoder,
      hex(
        '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
      ),
    ).fields,
  ).toEqual([':status: 302', 'cache-control: private', date, location]);
  expect(decoder.table.size).toBe(222);
  expect(decode(decoder, hex('4883640effc1c0bf')).fields).toEqual([
    ':status: 307',
    'cache-control: private',
    date,
    location,
  ]);
  expect(decode(decoder, hex(
    '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
  )).fields).toEqual([
    ':status: 200', 'cache-control: private', 'date: Mon, 21 Oct 2013 20:13:22 GMT', location, 'content-encoding: gzip',
    'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
  ]); // biome-ignore format: a table
  expect([decoder.table.count, decoder.table.size]).toEqual([3, 215]);
});

test('size updates, and blocks that make no sense', () => {
  const decoder = new HpackDecoder();
  expect(decode(decoder, hex('3f e1 01 20'))).toEqual({
    fields: [],
    status: HpackStatus.OK,
    updates: [256, 0],
  });
  expect(decode(decoder, hex('3f ff ff 7f')).status).toBe(HpackStatus.INVALID);
  expect(decode(decoder, hex('80')).status).toBe(HpackStatus.INVALID);
  expect(decode(decoder, hex('be')).status).toBe(HpackStatus.INVALID);
  expect(decode(decoder, hex('40 05 61')).status).toBe(HpackStatus.INVALID);
  expect(decode(decoder, hex('ff ff ff ff ff ff 7f')).status).toBe(HpackStatus.OVERFLOW);
  expect(decode(decoder, hex('ff 80 80 80 80 80 80 00')).status).toBe(HpackStatus.OVERFLOW);
});

test('a dynamic table is what a list is that is counted anew each time', () => {
  const seed = testSeed();
  const random = new Random(seed);
  const table = new DynamicTable();
  let list: HeaderField[] = [];
  let limit = 4096;
  const size = ({ name, value }: HeaderField) => name.length + value.length + 32;
  const trim = () => {
    while (list.reduce((sum, entry) => sum + size(entry), 0) > limit) list.pop();
  };
  for (let round = 0; round < rounds(300, 1500); round++) {
    if (random.next(50) === 0) {
      limit = random.pick([0, 100, 1000, 4096, 10_000]);
      table.resize(limit);
    } else {
      const entry = {
        name: new Uint8Array(random.next(40)),
        value: new Uint8Array(random.next(random.pick([40, 40, 2000]))),
        common: false,
      };
      table.add(entry);
      list = size(entry) > limit ? [] : [entry, ...list];
    }
    trim();
    const total = list.reduce((sum, entry) => sum + size(entry), 0);
    const same = [0, list.length - 1, random.next(list.length + 1)].every(
      (index) => table.at(index) === list[index],
    );
    if (table.count !== list.length || table.size !== total || !same)
      throw new Error(`SEED=${seed} round ${round}`);
  }
});
