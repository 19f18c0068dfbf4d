import { createKrb5, Transport } from '@portcullis/protocols';
import { element, integer, text } from '../../../protocols/testing/asn1/elements';
import { firedBy, ruleErrors } from '../../testing/protocol-rules';

const krb5 = createKrb5();
const rule = (value: string, sid: number) =>
  `alert krb5 any any -> any any (krb5.ticket_encryption:${value}; sid:${sid};)`;

function reply(type: number): Buffer {
  const field = (number: number, ...parts: Buffer[]) => element(0xa0 + number, ...parts);
  const name = element(0x30, field(0, integer(1)), field(1, element(0x30, text('user', 0x1b))));
  const encrypted = element(0x30, field(0, integer(type)), field(2, text('x')));
  const ticket = element(0x61, element(0x30, field(2, name), field(3, encrypted)));
  return element(
    0x6d,
    element(0x30, field(0, integer(5)), field(4, name), field(5, ticket), field(6, encrypted)),
  );
}

test('weak, not weak, by name, by number', () => {
  const values = ['weak', '!weak', '23', 'rc4-hmac', 'des-cbc-crc, -128', '18 23'];
  const matching = (type: number) => {
    const rules = values.map((value, i) => rule(value, i + 1));
    return firedBy(krb5, rules, [[1, reply(type)]], Transport.UDP)[0].map((sid) => values[sid - 1]);
  };
  expect(matching(23)).toEqual(['weak', '23', 'rc4-hmac', '18 23']);
  expect(matching(18)).toEqual(['!weak', '18 23']);
  expect(matching(-128)).toEqual(['weak', 'des-cbc-crc, -128']);
});

test.each(['strong', '!23', '1,,x'])('refused: %s', (value) => {
  expect(ruleErrors(krb5, [rule(value, 1)])).toHaveLength(1);
});
