import { createProtocols, type ProtocolDefinition } from '@portcullis/protocols';
import { firedBy } from '../../testing/protocol-rules';

const ftp = createProtocols().find(({ name }) => name === 'ftp') as ProtocolDefinition;
const RULE = 'alert tcp any any -> any any (ftpbounce; sid:1;)';

// The packets of these tests come from 0.0.0.0.
test.each([
  ['PORT 0,0,0,0,4,1\r\n', []],
  ['PORT 10,0,0,1,4,1\r\n', [1]],
  ['port 10,0,0,1,4,1\r\n', [1]],
  ['PORT 10,0,0,1,4\r\n', []],
  ['PORT 10,0,0,1000,4,1\r\n', []],
  ['PORT ten,0,0,1,4,1\r\n', []],
  ['STOR 10,0,0,1,4,1\r\n', []],
])('%j', (line, fired) => {
  const pieces = [
    [0, Buffer.from(line)],
    [1, Buffer.from('200 ok\r\n')],
  ] as const;
  expect(firedBy(ftp, [RULE], pieces).flat()).toEqual(fired);
});
