import { createModbus } from '@portcullis/protocols';
import { firedBy, ruleErrors } from '../../testing/protocol-rules';

const modbus = createModbus();

function request(unit: number, pdu: readonly number[]): Buffer {
  return Buffer.from([0, 1, 0, 0, 0, pdu.length + 1, unit, ...pdu]);
}

const rule = (value: string, sid: number) => `alert modbus any any -> any any (modbus:${value}; sid:${sid};)`;

/** Which of the values match a request. */
function matching(values: readonly string[], unit: number, pdu: readonly number[]): string[] {
  const [sids] = firedBy(
    modbus,
    values.map((value, i) => rule(value, i + 1)),
    [[0, request(unit, pdu)]],
  );
  return sids.map((sid) => values[sid - 1]);
}

test('functions and their categories', () => {
  const values = ['function 3', 'function 4', 'function assigned', 'function !assigned', 'function all'];
  expect(matching(values, 1, [3, 0, 0, 0, 2])).toEqual(['function 3', 'function assigned', 'function all']);
  expect(matching(['function user', 'function reserved', 'function 90', 'function 65'], 1, [90, 1])).toEqual([
    'function reserved',
    'function 90',
  ]);
  const diagnostics = ['function 8', 'function 8, subfunction 4', 'function 8, subfunction 1'];
  expect(matching(diagnostics, 1, [8, 0, 4, 0, 0])).toEqual(['function 8', 'function 8, subfunction 4']);
  expect(matching(diagnostics, 1, [7])).toEqual([]);
});

test('units', () => {
  const values = [
    'unit 10',
    'unit 9',
    'unit <11',
    'unit >10',
    'unit 9<>11',
    'unit 10<>12',
    'unit 10, function 7',
    'unit 10, access read',
  ];
  expect(matching(values, 10, [7])).toEqual(['unit 10', 'unit <11', 'unit 9<>11', 'unit 10, function 7']);
});

test('access and addresses, which count from 1', () => {
  const reads = [
    'access read',
    'access write',
    'access read coils',
    'access read holding',
    'access read holding, address 100',
    'access read holding, address 103',
    'access read holding, address >102',
    'access read, address 90<>101',
    'access read, address 90<>100',
    'access read, address <100',
  ];
  // Registers 100 to 102.
  expect(matching(reads, 1, [3, 0, 99, 0, 3])).toEqual([
    'access read',
    'access read holding',
    'access read holding, address 100',
    'access read, address 90<>101',
  ]);
});

test('values that are written', () => {
  const value = (address: number, condition: string) =>
    `access write holding, address ${address}, value ${condition}`;
  const values = [
    value(101, '513'),
    value(102, '1027'),
    value(102, '>1026'),
    value(102, '1026'),
    value(103, '0<>9'),
    value(101, '500<>520'),
  ];
  expect(matching(values, 1, [16, 0, 100, 0, 2, 4, 2, 1, 4, 3])).toEqual([
    values[0],
    values[1],
    values[2],
    values[5],
  ]);
  expect(matching([value(101, '513')], 1, [6, 0, 100, 2, 1])).toHaveLength(1);
  const coil = (address: number, bit: number) => `access write coils, address ${address}, value ${bit}`;
  const coils = [coil(20, 1), coil(21, 0), coil(29, 1), coil(30, 1)];
  expect(matching(coils, 1, [15, 0, 19, 0, 10, 2, 0xcd, 1])).toEqual([coil(20, 1), coil(21, 0)]);
  expect(matching([coil(20, 1), coil(20, 0)], 1, [5, 0, 19, 0xff, 0])).toEqual([coil(20, 1)]);
});

test('only requests are looked at', () => {
  const response = Buffer.from([0, 1, 0, 0, 0, 5, 1, 3, 2, 0, 9]);
  expect(
    firedBy(
      modbus,
      [rule('function 3', 1)],
      [
        [0, request(1, [3, 0, 0, 0, 1])],
        [1, response],
      ],
    ),
  ).toEqual([[1], []]);
});

test.each([
  'function',
  'function 0',
  'function 999',
  'function nonsense',
  'access write input',
  'access read, address 1, value 2',
  'access write, address >1, value 2',
  'unit',
  'unit 70000',
  'unit 1, nonsense',
  'nonsense',
])('refused: %s', (value) => {
  expect(ruleErrors(modbus, [rule(value, 1)])).toHaveLength(1);
});
