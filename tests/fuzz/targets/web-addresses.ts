import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FeedSettings, readFeed, WebAddress } from '@portcullis/web-addresses';
import { FeedLineReader } from '../../../packages/web-addresses/src/feed-reader';
import { claim, type FuzzTarget } from '../target';

const FORMS: readonly FeedSettings[] = [
  { form: 'hosts' },
  { form: 'domains', subdomains: false },
  { form: 'urls', subdomains: true },
  { form: 'csv', column: 2, categoryColumn: 3, delimiter: ';', header: true },
];
const SEEDS = [
  '0.0.0.0 bad.example.com other.example.org # both\n127.0.0.1 localhost\n::1 ip6-localhost\n',
  '# list\n*.example.com\n.example.org\nwww.example.net\nxn--bcher-kva.example\n',
  'http://example.com/a/../b?c=%41%2f#d\nhttps://user@1.2.3.4:8443/x\n[2001:db8::1]/y\nhttp://0x7f.1/\n',
  'id;address;category\n1;"example.com/x";malware\n2; example.org ;\n',
];
const seeds = () => SEEDS.flatMap((text) => FORMS.map((_, form) => Buffer.from(`${form}${text}`)));

export function webAddressTargets(): readonly FuzzTarget[] {
  return [
    {
      name: 'web-addresses/line',
      shape: 'text',
      weight: 1,
      seeds,
      start: () => {
        const again = new WebAddress();
        const readers = FORMS.map(
          (settings) =>
            new FeedLineReader(settings, (address) => {
              // What is in normal form already is not changed by reading it again.
              const text = address.text;
              const bytes = Buffer.from(text, 'latin1');
              claim(
                again.readUrl(bytes, 0, bytes.length),
                `the normal form ${JSON.stringify(text)} is not understood`,
              );
              claim(again.text === text, `${JSON.stringify(text)} becomes ${JSON.stringify(again.text)}`);
              claim(again.isIpAddress === address.isIpAddress, 'an address that becomes a name');
              return null;
            }),
        );
        return {
          run: (input) => {
            const reader = readers[(input[0] ?? 0) % FORMS.length] as FeedLineReader;
            let number = 1;
            for (let at = 1; at < input.length; number++) {
              const newline = input.indexOf(0x0a, at);
              const end = newline < 0 ? input.length : newline;
              reader.read(input, at, end, number);
              at = end + 1;
            }
          },
        };
      },
    },
    {
      name: 'web-addresses/feed',
      shape: 'text',
      weight: 0.1,
      seeds,
      start: () => {
        const folder = mkdtempSync(join(tmpdir(), 'portcullis-fuzz-'));
        const path = join(folder, 'feed');
        return {
          run: (input) => {
            writeFileSync(path, input.subarray(1));
            const { lines, bad, badLines } = readFeed(
              path,
              FORMS[(input[0] ?? 0) % FORMS.length] as FeedSettings,
              () => null,
            );
            claim(bad <= lines && badLines.length <= bad, 'more bad lines than lines');
          },
          close: () => rmSync(folder, { recursive: true }),
        };
      },
    },
  ];
}
