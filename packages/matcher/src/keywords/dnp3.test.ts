import { createDnp3 } from '@portcullis/protocols';
import { message } from '../../../protocols/testing/dnp3/frames';
import { firedBy, ruleErrors } from '../../testing/protocol-rules';

const dnp3 = createDnp3();
const rule = (keyword: string, sid: number) => `alert dnp3 any any -> any any (${keyword}; sid:${sid};)`;

test('functions, indications, objects, data', () => {
  const keywords = [
    'dnp3_func:write',
    'dnp3.func:2',
    'dnp3_func:read',
    'dnp3_obj:12,1',
    'dnp3.obj:12,2',
    'dnp3_ind:device_restart',
    'dnp3.ind:all_stations,object_unknown',
    'dnp3_ind:all_stations',
    'dnp3_ind:0x8000',
    'dnp3_data; content:"|0c 01 17|"',
    'dnp3.data; content:"|0c 01 18|"',
  ];
  const write = message([0xc0, 2, 12, 1, 0x17, 1, 0, 3, 1, 100, 0, 0, 0, 100, 0, 0, 0, 0]);
  const answer = message([0xc0, 129, 0x80, 0x02], 0x44);
  const fired = firedBy(
    dnp3,
    keywords.map((keyword, i) => rule(keyword, i + 1)),
    [
      [0, write],
      [1, answer],
    ],
  ).map((sids) => sids.map((sid) => keywords[sid - 1]));
  expect(fired).toEqual([
    [keywords[0], keywords[1], keywords[3], keywords[9]],
    [keywords[5], keywords[6], keywords[8]],
  ]);
});

test.each([
  'dnp3_ind',
  'dnp3_ind:nothing',
  'dnp3_ind:70000',
  'dnp3_obj:1',
  'dnp3_obj:1,256',
  'dnp3_func:nothing',
])('refused: %s', (keyword) => {
  expect(ruleErrors(dnp3, [rule(keyword, 1)])).toHaveLength(1);
});
