import { createProtocols } from '@portcullis/protocols';
import { firedBy, ruleErrors } from '../../testing/protocol-rules';

const ftp = createProtocols().find(({ name }) => name === 'ftp')!;
const rule = (value: string, sid: number) =>
  `alert ftp any any -> any any (ftp.reply_received:${value}; sid:${sid};)`;
const client = (text: string) => [0, Buffer.from(text)] as const;
const server = (text: string) => [1, Buffer.from(text)] as const;

test('a reply that has come, and one that has only begun', () => {
  const rules = [rule('yes', 1), rule('no', 2), rule(' ON ', 3), rule('false', 4)];
  const pieces = [client('RETR a\r\n'), server('150 soon\r\n'), server('226 done\r\n')];
  expect(firedBy(ftp, rules, pieces)).toEqual([[], [2, 4], [1, 3]]);
  expect(firedBy(ftp, rules, [client('NOOP\r\n'), server('200 ok\r\n')])).toEqual([[], [1, 3]]);
});

test('together with another buffer', () => {
  const rules = [
    'alert ftp any any -> any any (ftp.completion_code; content:"530"; ftp.reply_received:yes; sid:1;)',
  ];
  expect(
    firedBy(ftp, rules, [
      client('USER a\r\n'),
      server('331 x\r\n'),
      client('PASS b\r\n'),
      server('530 no\r\n'),
    ]),
  ).toEqual([[], [], [], [1]]);
});

test('modes and ports are numbers with names', () => {
  const rules = [
    'alert ftp any any -> any any (ftp.mode:passive; sid:1;)',
    'alert ftp any any -> any any (ftp.mode:active; sid:2;)',
    'alert ftp any any -> any any (ftp.dynamic_port:>1024; sid:3;)',
  ];
  const pieces = [
    client('PASV\r\n'),
    server('227 (1,2,3,4,5,6)\r\n'),
    client('PORT 1,2,3,4,0,6\r\n'),
    server('200 ok\r\n'),
  ];
  expect(firedBy(ftp, rules, pieces)).toEqual([[], [1, 3], [], [2]]);
});

test('other values', () => {
  expect(ruleErrors(ftp, [rule('maybe', 1)])).toEqual([expect.stringContaining('neither yes nor no')]);
});
