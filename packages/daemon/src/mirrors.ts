import { MirrorCapture } from '@portcullis/capture';
import type { Configuration } from '@portcullis/configuration';
import type { MirrorRow } from '@portcullis/control';
import type { SourceSettings } from '@portcullis/engine';
import { interfaceIndex } from './interfaces';

type Watched = Configuration['pcap'][number];

interface Mirror {
  readonly name: string;
  readonly capture: MirrorCapture;
  readonly index: number;
}

/**
 * The interfaces that are watched in Monitoring mode instead of a queue. The captures run on the event loop of the main
 * thread: `cap` loads in one thread of a process only.
 */
export class Mirrors {
  private readonly mirrors: Mirror[] = [];
  private readonly gone = new Set<string>();

  /** @throws MirrorError; none is open then */
  static open(watched: readonly Watched[]): Mirrors {
    const opened = new Mirrors();
    try {
      for (const { interface: name, 'bpf-filter': filter, 'buffer-size': kernelBuffer } of watched) {
        const capture = new MirrorCapture({
          interface: name,
          kernelBuffer,
          ...(filter !== undefined && { filter }),
        });
        opened.mirrors.push({ name, capture, index: interfaceIndex(name) ?? 0 });
      }
      return opened;
    } catch (error) {
      opened.close();
      throw error;
    }
  }

  /** Where the workers read, by number. */
  get sources(): ReadonlyMap<number, SourceSettings> {
    return new Map(
      this.mirrors.map(({ capture, index }, number) => [
        number,
        { from: 'mirror', shared: capture.shared, inInterface: index },
      ]),
    );
  }

  get rows(): MirrorRow[] {
    return this.mirrors.map(({ name, capture }) => ({
      interface: name,
      captured: capture.captured,
      lost: capture.lost,
    }));
  }

  nameOf(number: number): string {
    return this.mirrors[number]?.name ?? '?';
  }

  /** Interfaces that have gone away since they were asked about last, or have come back as another one: nothing is seen of them. */
  newlyGone(): string[] {
    const found = this.mirrors.filter(
      ({ name, index }) => index !== 0 && !this.gone.has(name) && interfaceIndex(name) !== index,
    );
    for (const { name } of found) this.gone.add(name);
    return found.map(({ name }) => name);
  }

  /** What was captured can still be read. */
  close(): void {
    for (const { capture } of this.mirrors) capture.close();
  }
}
