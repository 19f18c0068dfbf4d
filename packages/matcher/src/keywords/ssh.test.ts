import { createSsh } from '@portcullis/protocols';
import { firedBy } from '../../testing/protocol-rules';

function fired(options: readonly string[], banner: string): string[] {
  const rules = options.map((one, i) => `alert ssh any any -> any any (${one}; sid:${i + 1};)`);
  const [sids] = firedBy(createSsh(), rules, [[0, Buffer.from(`${banner}\r\n`, 'latin1')]]);
  return sids.map((sid) => options[sid - 1]);
}

test('the old keywords compare with the whole', () => {
  const options = [
    'ssh.protoversion:2.0',
    'ssh.protoversion:1.99',
    'ssh.protoversion:2_compat',
    'ssh.softwareversion:"PuTTY"',
    'ssh.softwareversion:PuTTY_0.7',
  ];
  expect(fired(options, 'SSH-2.0-PuTTY_0.7')).toEqual([
    'ssh.protoversion:2.0',
    'ssh.protoversion:2_compat',
    'ssh.softwareversion:PuTTY_0.7',
  ]);
  expect(fired(options, 'SSH-1.99-PuTTY x')).toEqual([
    'ssh.protoversion:1.99',
    'ssh.protoversion:2_compat',
    'ssh.softwareversion:"PuTTY"',
  ]);
});
