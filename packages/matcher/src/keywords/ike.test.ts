import { createIke, Transport } from '@portcullis/protocols';
import { firedBy, ruleErrors } from '../../testing/protocol-rules';

const rule = (value: string, sid: number) =>
  `alert ike any any -> any any (ike.chosen_sa_attribute:${value}; sid:${sid};)`;

/** A message of version 1 with an association of one transform: AES (7), SHA-1 (2), 86400 seconds. */
const ANSWER = Buffer.from(
  'e47a591fd057587fa00b8ef0902bb8ec0110020000000000' +
    '00000054' +
    '00000038' +
    '0000000100000001' +
    '0000002c01010001' +
    '0000002401010000' +
    '8001000780020002' +
    '000c000400015180' +
    '800e0080' +
    '8003000180040002',
  'hex',
);

test('attributes of the association that was chosen', () => {
  const values = [
    'alg_enc=7',
    'alg_enc=2',
    'alg_hash = 2',
    'sa_life_duration=86400',
    'sa_key_length=128',
    'alg_prf=1',
  ];
  const [sids] = firedBy(
    createIke(),
    values.map((value, i) => rule(value, i + 1)),
    [[1, ANSWER]],
    Transport.UDP,
  );
  expect(sids.map((sid) => values[sid - 1])).toEqual([
    'alg_enc=7',
    'alg_hash = 2',
    'sa_life_duration=86400',
    'sa_key_length=128',
  ]);
});

test('what is no attribute is refused', () => {
  const wrong = ['alg_none=1', 'alg_enc', 'alg_enc=x', 'alg_enc=99999999999'];
  expect(
    ruleErrors(
      createIke(),
      wrong.map((one, i) => rule(one, i + 1)),
    ),
  ).toHaveLength(wrong.length);
});
