import { MirrorSource, type PacketSource } from '@portcullis/capture';
import {
  NfQueue,
  QueueCounter,
  queueCounterCount,
  RawSender,
  readQueueStatistics,
} from '@portcullis/nfqueue-binding';
import { STANDARD_TUNNEL_PORTS } from '@portcullis/wire';
import { InspectCounter } from '../inspect-counters';
import type { InspectorOptions } from '../inspector-options';
import { PacketLayers } from '../packet-layers';
import type { MirrorSettings, QueueFacts, QueueSettings, SourceSettings } from './messages';
import { StandingQueue } from './standing-queue';

/** Where a worker's packets come from, and what depends on that. */
export interface Intake {
  readonly source: PacketSource;
  /** By `QueueCounter`. */
  readonly counters: Float64Array;
  readonly facts: QueueFacts | null;
  /** How long the queue may get; null where there is none. */
  readonly standing: StandingQueue | null;
  readonly inspection: Pick<InspectorOptions, 'layers' | 'verifyChecksum' | 'sender' | 'copies'>;
  /** Brings `counters` up to date. @param inspected counters of the inspection */
  count(inspected: Float64Array): void;
  close(): void;
}

/** @throws NfQueueError */
export function openIntake(settings: SourceSettings): Intake {
  return settings.from === 'queue' ? openQueue(settings) : openMirror(settings);
}

function openQueue({ queue: number, injectedMark, ...options }: QueueSettings): Intake {
  const sender = RawSender.open({ mark: injectedMark });
  const queue = NfQueue.open({
    queue: number,
    maxLength: options.maxLength,
    batchSize: options.batchSize,
    receiveBuffer: options.receiveBuffer,
    failOpen: options.failOpen,
    gso: options.gso,
  });
  const { effective } = queue;
  return {
    source: queue,
    counters: queue.counters,
    standing: new StandingQueue(
      {
        effective,
        setMaxLength: (length) => queue.setMaxLength(length),
        waiting: () => readQueueStatistics().find((one) => one.queue === number)?.waiting ?? 0,
      },
      options.batchSize,
      effective.failOpen,
      performance.now(),
    ),
    facts: {
      queue: number,
      fd: queue.fd,
      portId: queue.portId,
      failOpen: effective.failOpen,
      gso: effective.gso,
      maxLength: effective.maxLength,
      receiveBuffer: effective.receiveBuffer,
    },
    inspection: {
      // The kernel has put fragments together; what is in tunnels it has not looked at.
      layers: new PacketLayers({
        fragments: null,
        tunnels: STANDARD_TUNNEL_PORTS,
        refuseTruncated: false,
        acceptMapped: false,
      }),
      verifyChecksum: (place) => queue.verifyChecksum(place),
      sender: { send: (bytes, offset, length) => void sender.send(bytes, offset, length) },
    },
    count: () => undefined,
    close() {
      queue.close();
      sender.close();
    },
  };
}

function openMirror({ shared }: MirrorSettings): Intake {
  const source = new MirrorSource(shared);
  const counters = new Float64Array(queueCounterCount);
  return {
    source,
    counters,
    facts: null,
    standing: null,
    inspection: {
      layers: new PacketLayers({
        fragments: {},
        tunnels: STANDARD_TUNNEL_PORTS,
        refuseTruncated: true,
        acceptMapped: false,
      }),
      copies: true,
    },
    count(inspected) {
      counters[QueueCounter.RECEIVED] = inspected[InspectCounter.PACKETS] as number;
      counters[QueueCounter.BYTES] = inspected[InspectCounter.BYTES] as number;
      counters[QueueCounter.ACCEPTED] = inspected[InspectCounter.PACKETS] as number;
    },
    close: () => source.close(),
  };
}
