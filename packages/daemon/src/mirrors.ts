import { MirrorCapture } from '@portcullis/capture';
import { type Configuration, ConfigurationError } from '@portcullis/configuration';
import type { MirrorRow, Mode } from '@portcullis/control';
import type { SourceSettings } from '@portcullis/engine';
import { interfaceLife } from './interfaces';

type Watched = Configuration['pcap'][number];

interface Mirror {
  readonly name: string;
  readonly capture: MirrorCapture;
  /** The interface's life at the time of its opening; null where it cannot be told. */
  life: string | null;
}

/** What has happened to the interfaces since they were looked at last. */
export interface MirrorNews {
  /** Down, or gone: nothing is seen of them. */
  readonly lost: readonly string[];
  /** Watched again. */
  readonly back: readonly string[];
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
        const life = interfaceLife(name);
        const capture = new MirrorCapture({
          interface: name,
          interfaceIndex: life?.index ?? 0,
          kernelBuffer,
          ...(filter !== undefined && { filter }),
        });
        opened.mirrors.push({ name, capture, life: life?.mark ?? null });
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
      this.mirrors.map(({ capture }, number) => [number, { from: 'mirror', shared: capture.shared }]),
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

  /** Begins anew with interfaces that were down, or that have come back as others of the same name: their captures have ended. */
  lookAfter(): MirrorNews {
    const lost: string[] = [];
    const back: string[] = [];
    for (const mirror of this.mirrors) {
      const { name, capture } = mirror;
      const life = interfaceLife(name);
      if (mirror.life === null || (life?.up && life.mark === mirror.life)) continue;
      if (!this.gone.has(name)) lost.push(name);
      this.gone.add(name);
      if (!life?.up) continue;
      try {
        capture.reopen(life.index);
      } catch {
        // Not yet; the next look tries again.
        continue;
      }
      mirror.life = life.mark;
      this.gone.delete(name);
      back.push(name);
    }
    return { lost, back };
  }

  /** What was captured can still be read. */
  close(): void {
    for (const { capture } of this.mirrors) capture.close();
  }
}

/**
 * @param file that the configuration was read from; null: none
 * @throws ConfigurationError where interfaces are to be watched and the mode is another
 */
export function refuseWatching({ pcap }: Configuration, mode: Mode, file: string | null): void {
  if (mode === 'monitoring' || pcap.length === 0) return;
  throw new ConfigurationError(file ?? 'configuration', [
    {
      key: 'pcap',
      message:
        "a mirror can only be watched in Monitoring mode: 'portcullis service register --mode monitoring', or take the key out",
      line: 0,
    },
  ]);
}
