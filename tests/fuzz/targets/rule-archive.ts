import { gunzipSync } from 'node:zlib';
import { ArchiveError, unpackRules } from '@portcullis/updates';
import { archive } from '../../../packages/updates/testing/publisher';
import { claim, type FuzzTarget } from '../target';

/** What an archive may unpack to here. */
const LARGEST = 4 << 20;

function seeds(): Uint8Array[] {
  const packed = [
    archive([
      { path: 'rules/', type: 'Directory' },
      { path: 'rules/a.rules', text: 'alert tcp any any -> any any (sid:1;)\n' },
    ]),
    archive([
      { path: 'a.rules', text: '#\n' },
      { path: 'b.rules', text: '# b\n' },
    ]),
    archive([{ path: '../a.rules', text: '#\n' }]),
    archive([{ path: 'a.rules', type: 'SymbolicLink', linkpath: '/etc/passwd' }]),
    archive([{ path: `${'long/'.repeat(40)}a.rules`, text: 'x' }]),
  ];
  return [
    Buffer.from('alert tcp any any -> any any (sid:1;)\n'),
    ...packed,
    ...packed.map((each) => gunzipSync(each)),
  ];
}

export function ruleArchiveTargets(): readonly FuzzTarget[] {
  return [
    {
      name: 'updates/archive',
      shape: 'bytes',
      weight: 0.1,
      tokens: ['ustar', '../', '/etc/', 'a.rules'],
      seeds,
      start: () => ({
        run: async (input) => {
          try {
            const files = await unpackRules(Buffer.from(input), 'set', LARGEST);
            for (const { name, text } of files) {
              claim(
                /^[A-Za-z0-9][A-Za-z0-9._+-]*\.rules$/.test(name),
                `a file is called ${JSON.stringify(name)}`,
              );
              claim(text.length <= LARGEST, 'a file is too large');
            }
            claim(new Set(files.map(({ name }) => name)).size === files.length, 'two files of one name');
          } catch (error) {
            if (!(error instanceof ArchiveError)) throw error;
          }
        },
      }),
    },
  ];
}
