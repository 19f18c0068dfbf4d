/** The traffic of the built-in rules as capture files, each with a client of its own. */
import { join } from 'node:path';
import { PcapWriter } from '@portcullis/testkit';
import { builtinTraffic } from '../../builtin';
import { type CaptureForm, capture } from '../../builtin/capture';

const FORMS: readonly (CaptureForm & { readonly name: string })[] = [
  { name: 'ipv4' },
  { name: 'ipv6', ipv6: true },
];

/** Writes all of it into a folder. @returns the files */
export function writeBuiltinCaptures(folder: string): string[] {
  return builtinTraffic().flatMap(({ name, traffic }, client) =>
    FORMS.map((form) => {
      const file = join(folder, `${name}-${form.name}.pcap`);
      new PcapWriter().addAll(capture(traffic, { ...form, client })).writeFile(file);
      return file;
    }),
  );
}
