import { createDcerpc } from '@portcullis/protocols';
import { firedBy, ruleErrors } from '../../testing/protocol-rules';

const dcerpc = createDcerpc();
const UUID = '367abb81-9844-35f1-ad32-98f038001003';
const bytes = Buffer.from(UUID.replaceAll('-', ''), 'hex');

/** A PDU with its numbers in big-endian order, so that the UUID stands as it is written. */
function pdu(type: number, flags: number, body: number[]): Buffer {
  return Buffer.from([5, 0, type, flags, 0, 0, 0, 0, 0, 16 + body.length, 0, 0, 0, 0, 0, 1, ...body]);
}
const bind = (version: number, flags: number) =>
  pdu(11, flags, [
    ...Array(8).fill(0),
    1,
    0,
    0,
    0,
    0,
    7,
    1,
    0,
    ...bytes,
    0,
    version,
    0,
    0,
    ...Array(20).fill(0),
  ]);
const bindAck = pdu(12, 3, [...Array(8).fill(0), 0, 0, 0, 0, 1, 0, 0, 0, ...Array(24).fill(0)]);
const request = (context: number, opnum: number, stub: number[] = []) =>
  pdu(0, 3, [0, 0, 0, 0, 0, context, 0, opnum, ...stub]);

const rule = (options: string, sid: number) => `alert dcerpc any any -> any any (${options}; sid:${sid};)`;

/** Which of the options match a call. */
function matching(options: readonly string[], call: Buffer, version = 2, flags = 3): string[] {
  const fired = firedBy(
    dcerpc,
    options.map((each, i) => rule(each, i + 1)),
    [
      [0, bind(version, flags)],
      [1, bindAck],
      [0, call],
    ],
  );
  return fired[2].map((sid) => options[sid - 1]);
}

test('interfaces, their versions and fragments', () => {
  const options = [
    `dcerpc.iface:${UUID}`,
    `dce_iface:${UUID.toUpperCase()}`,
    `dcerpc.iface:${UUID},=2`,
    `dcerpc.iface:${UUID},>1,any_frag`,
    `dcerpc.iface:${UUID},<2`,
    `dcerpc.iface:${UUID},!2`,
    'dcerpc.iface:00000000-9844-35f1-ad32-98f038001003',
  ];
  expect(matching(options, request(7, 1))).toEqual(options.slice(0, 4));
  expect(matching(options, request(8, 1))).toEqual([]);
  expect(matching(options, request(7, 1), 2, 2)).toEqual([options[3]]);
});

test('operations', () => {
  const options = [
    'dcerpc.opnum:15',
    'dce_opnum:1,15-17',
    'dcerpc.opnum:12-15',
    'dcerpc.opnum:>14',
    'dcerpc.opnum:16',
    'dcerpc.opnum:1-14,16',
  ];
  expect(matching(options, request(7, 15))).toEqual(options.slice(0, 4));
});

test('stub data, and numbers in the order of the call', () => {
  const options = [
    'dce_stub_data; content:"|00 04|"; byte_test:2,=,4,0,dce',
    'dcerpc.stub_data; content:"|00 04|"; byte_test:2,=,4,0,little',
  ];
  expect(matching(options, request(7, 1, [0, 4]))).toEqual([options[0]]);
});

test('frames, with the protocol before their name or without', () => {
  const options = [
    'frame:hdr; content:"|05 00 00 03|"; bsize:16',
    'frame:dcerpc.pdu; content:"|00 07 00 01|"',
    'frame:data; content:"|05 00 00 03|"',
  ];
  expect(matching(options, request(7, 1))).toEqual(options.slice(0, 2));
  expect(ruleErrors(dcerpc, [rule('frame:nothing; content:"x"', 1)])).toEqual([
    'frame: no protocol has a frame "nothing"',
  ]);
});

test('what cannot be read', () => {
  const wrong = [
    'dcerpc.iface:zz',
    `dcerpc.iface:${UUID},any_frag,1`,
    'dcerpc.opnum:x',
    'dcerpc.opnum:5-3',
    'dcerpc.opnum:70000',
  ];
  const errors = ruleErrors(
    dcerpc,
    wrong.map((each, i) => rule(each, i + 1)),
  );
  expect(errors.map((error) => error.slice(0, 20))).toEqual([
    'dcerpc.iface: "zz" i',
    'dcerpc.iface: "1" ca',
    'dcerpc.opnum: "x" is',
    'dcerpc.opnum: 5-3 en',
    'dcerpc.opnum: 70000 ',
  ]);
});
