import type { ProtocolSettings } from '@portcullis/protocols';
import type { ExceptionPolicy, StreamOptions } from '@portcullis/reassembly';
import type { AddressTableData } from '@portcullis/web-addresses';
import type { DetectionPolicySettings } from '../detection-policy';
import type { EarlierConnectionSettings } from '../earlier-connections';
import type { OffloadMark } from '../inspector-options';
import type { ParserMemoryOptions } from '../parser-memory';
import type { PreparedRules, RuleSummary } from '../rule-source';
import type { ToldDetection } from './detection-outbox';
import type { BanPermit } from './provisional-bans';
import type { SharedMemory } from './shared-memory';

/** Places in the block of shared 32-bit words between the supervisor and one worker. */
export const WorkerWord = {
  /** Counts up with every packet and every turn of the loop: a worker whose word stands still is stalled. */
  HEARTBEAT: 0,
  /** Not 0: messages wait on the port. Cleared by the worker. */
  MAIL: 1,
  /** Detections that the supervisor has taken from the port so far; counted up by it, wraps. */
  TAKEN: 2,
  /** Not 0: somebody waits for the counters of now. Cleared by the worker. */
  PUBLISH: 3,
  /** Not 0: it collects its garbage, and stands still meanwhile. */
  COLLECTING: 4,
  COUNT: 5,
} as const;

/** How a worker opens its queue. */
export interface QueueSettings {
  from: 'queue';
  queue: number;
  maxLength: number;
  batchSize: number;
  receiveBuffer: number;
  failOpen: boolean;
  gso: boolean;
  /** Packet mark of what the worker sends itself, so that it is not queued again. */
  injectedMark: number;
}

/** An interface that is watched: copies of its frames, which no verdict changes. */
export interface MirrorSettings {
  from: 'mirror';
  /** `MirrorCapture.shared`. */
  shared: SharedArrayBuffer;
}

/** Where the packets of a worker come from. */
export type SourceSettings = QueueSettings | MirrorSettings;

/** What a worker is started with. */
export interface WorkerSettings {
  /** Verdicts are given; else everything passes and is only told. */
  inline: boolean;
  stream: Partial<StreamOptions>;
  appLayer: ParserMemoryOptions;
  protocols: ProtocolSettings;
  decodePolicy: ExceptionPolicy;
  holdBlockedMicros: number;
  words: SharedArrayBuffer;
  counters: SharedArrayBuffer;
  latency: SharedArrayBuffer;
  /** The same for all workers. */
  memory: SharedMemory;
  /** Milliseconds since 1970 at the zero of the clock that all threads share: all of them count by the same time. */
  epoch: number;
  /** Flow ids of this worker begin here. */
  firstFlowId: number;
}

export type ToWorker =
  /** The first message: the rules to begin with. */
  | { type: 'load'; rules: PreparedRules }
  | {
      type: 'bind';
      source: SourceSettings;
      offload: OffloadMark | null;
      earlier: EarlierConnectionSettings | null;
      /** The payload of replies is queued. */
      replyPayload: boolean;
    }
  | { type: 'reload'; rules: PreparedRules; offload: OffloadMark | null }
  | { type: 'offload'; offload: OffloadMark | null }
  /** The same rules, other decisions about their matches. */
  | { type: 'policy'; policy: DetectionPolicySettings }
  | { type: 'web-addresses'; addresses: AddressTableData | null }
  /** @param unblockedAt when devices were let in by hand, microseconds since 1970; null: none were */
  | { type: 'forget-blocked'; unblockedAt: number | null }
  /** Whom it may ban before the main thread has decided; null: nobody. */
  | { type: 'ban-permit'; permit: BanPermit | null }
  | { type: 'adopt-earlier' }
  | { type: 'reply-payload'; seen: boolean }
  /** No packets follow: decide what is left in the queue, or look at what is left of the mirror, then end. */
  | { type: 'drain' };

/** What the kernel granted a queue. */
export interface QueueFacts {
  queue: number;
  fd: number;
  portId: number;
  failOpen: boolean;
  gso: boolean;
  maxLength: number;
  receiveBuffer: number;
}

export type FromWorker =
  | { type: 'ready'; rules: RuleSummary }
  /** @param facts null where it is no queue; @param threadId as the kernel numbers threads */
  | { type: 'bound'; facts: QueueFacts | null; threadId: number }
  | { type: 'reloaded'; rules: RuleSummary }
  /**
   * @param rehearsal nothing has happened: the answer is only to be practised
   */
  | { type: 'detections'; told: readonly ToldDetection[]; rehearsal: boolean }
  /** Data sets that rules want to be kept, as the text of their files. */
  | { type: 'data-sets'; files: { path: string; text: string; removed: string }[] }
  | { type: 'stopped' }
  | { type: 'failed'; code: string; message: string };
