import { createEnip, Transport } from '@portcullis/protocols';
import { firedBy, ruleErrors } from '../../testing/protocol-rules';

const enip = createEnip();

/** A message that sends a CIP packet without a connection. */
function message(cip: readonly number[]): Buffer {
  const header = Buffer.alloc(24);
  header[0] = 0x6f;
  header[2] = 16 + cip.length;
  const items = [0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0xb2, 0, cip.length, 0];
  return Buffer.concat([header, Buffer.from([...items, ...cip])]);
}

/** Service 14 of class 4, instance 5, attribute 3, within a multiple service packet. */
const SINGLE = [0x0e, 3, 0x20, 4, 0x24, 5, 0x30, 3];
const MULTIPLE = [0x0a, 2, 0x20, 2, 0x24, 1, 2, 0, 6, 0, 14, 0, ...SINGLE, 3, 1, 0x20, 9, 2, 0, 7, 0, 8, 0];

const rule = (keyword: string, sid: number) => `alert enip any any -> any any (${keyword}; sid:${sid};)`;

function matching(keywords: readonly string[], cip: readonly number[], direction: 0 | 1 = 0): string[] {
  const rules = keywords.map((keyword, i) => rule(keyword, i + 1));
  const [sids] = firedBy(enip, rules, [[direction, message(cip)]], Transport.TCP);
  return sids.map((sid) => keywords[sid - 1]);
}

const KEYWORDS = [
  'cip_service:14',
  'cip_service:14,4',
  'cip_service:14,5',
  'cip_service:14, 4, 3',
  'cip_service:14,4,7',
  'cip_service:14,4,!7',
  'cip_service:3,9,8',
  'cip_service:10',
];

test('services, their classes and attributes', () => {
  const single = [KEYWORDS[0], KEYWORDS[1], KEYWORDS[3], KEYWORDS[5]];
  expect(matching(KEYWORDS, SINGLE)).toEqual(single);
  expect(matching(KEYWORDS, MULTIPLE)).toEqual([...single, KEYWORDS[6], KEYWORDS[7]]);
  expect(matching(KEYWORDS, [0x8e, 0, 0, 0], 1)).toEqual([KEYWORDS[0]]);
});

test('numbers of which there may be several', () => {
  const keywords = [
    'enip.cip_class:4',
    'enip.cip_class:>8',
    'enip.cip_instance:5',
    'enip.cip_attribute:8',
    'enip.status:0',
    'enip.command:send_rrdata',
    'enip_command:111',
  ];
  expect(matching(keywords, MULTIPLE)).toEqual(keywords);
  expect(
    matching(['enip.cip_status:5', 'enip.cip_extendedstatus:258'], [0x8e, 0, 5, 2, 2, 1], 1),
  ).toHaveLength(2);
});

test.each(['cip_service', 'cip_service:128', 'cip_service:1,x', 'cip_service:1,2,3,4'])(
  'refused: %s',
  (keyword) => {
    expect(ruleErrors(enip, [rule(keyword, 1)])).toHaveLength(1);
  },
);
