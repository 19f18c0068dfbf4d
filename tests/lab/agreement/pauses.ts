import { CaptureFileSource } from '@portcullis/capture';
import { PcapWriter } from '@portcullis/testkit';
import { LinkType } from '@portcullis/wire';

/** Microseconds between two packets, about as they follow one another over veth. */
const APART = 1000;
const START = 1_767_225_600_000_000;

/**
 * Writes a copy of a capture whose IP packets are the same and follow one another at once, as they do when they are
 * played: thresholds and time-outs, which go by the time of packets, then see what the live queue sees.
 */
export function copyWithoutPauses(file: string, copy: string): void {
  const source = new CaptureFileSource(file);
  const writer = new PcapWriter({ linkType: LinkType.RAW });
  const { batch } = source;
  let packets = 0;
  while (source.receive(0) >= 0) {
    for (let place = 0; place < batch.count; place++) {
      const start = batch.offset[place];
      const bytes = batch.bytes.slice(start, start + batch.length[place]);
      writer.add({ bytes, time: START + packets++ * APART });
    }
    source.finalize();
  }
  source.close();
  writer.writeFile(copy);
}
