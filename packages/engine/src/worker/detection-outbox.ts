import type { Detection } from '../detection';
import type { DetectionKind } from '../detection-policy';
import { callsForBan, type ProvisionalBan } from './provisional-bans';

/** What of the detections can be lost: a kind of them, or a ban that should have come of one. */
export const LostKinds = ['attack', 'web-address', 'network-activity', 'information', 'ban'] as const;
export type LostKind = (typeof LostKinds)[number];
const placeOf = Object.fromEntries(LostKinds.map((kind, place) => [kind, place])) as Record<LostKind, number>;

/** Detections that the main thread has got and not looked at yet, at most; it needs some 50 µs for each. */
export const MOST_ON_THE_WAY = 1024;
/** So many where somebody is to be banned. */
export const MOST_BANS_ON_THE_WAY = 4096;
/** Devices to be banned that wait for their turn in the worker. */
export const MOST_WAITING = 65_536;

export interface ToldDetection {
  readonly detection: Detection;
  /** When its packet was taken from the queue: ms of the clock that all threads share. */
  readonly takenAt: number;
  /** What the worker has put into the kernel's set already. */
  readonly banned: ProvisionalBan | null;
}

export interface OutboxOptions {
  /** How many detections the main thread has taken so far; 32 bits that wrap. */
  taken(): number;
  /** Senders are banned that may be forged. */
  bansWithoutHandshake(): boolean;
  send(told: readonly ToldDetection[]): void;
}

/** Whether somebody is to be banned for it. The main thread decides; this only says what must not be lost. */
export function asksForBan(detection: Detection, withoutHandshake: boolean): boolean {
  const { blocked, response, handshake } = detection;
  if (!blocked || (!handshake && !withoutHandshake)) return false;
  return response === 'isolate' || callsForBan(detection);
}

/**
 * Detections on their way from a worker to the main thread. A message port has no end, so there are only so many on
 * the way at once; what comes beyond is lost and counted. Not so bans: they go first and at once, and where even that is
 * too much, they wait here, one for each device.
 */
export class DetectionOutbox {
  /** Of each of `LostKinds`, how many. */
  readonly lost = new Float64Array(LostKinds.length);
  private batch: ToldDetection[] = [];
  private readonly waiting = new Map<string, ToldDetection>();
  private sent = 0;

  constructor(private readonly options: OutboxOptions) {}

  tell(told: ToldDetection): void {
    const { detection } = told;
    if (asksForBan(detection, this.options.bansWithoutHandshake())) this.tellBan(told);
    else if (this.onTheWay + this.batch.length < MOST_ON_THE_WAY) this.batch.push(told);
    else this.lose(detection.kind);
  }

  /** Sends what has been gathered. To be called after each batch of packets, and while there are none. */
  flush(): void {
    if (this.waiting.size > 0) this.sendWaiting(MOST_BANS_ON_THE_WAY - this.onTheWay);
    if (this.batch.length === 0) return;
    this.send(this.batch);
    this.batch = [];
  }

  /** Sends everything: nothing follows. */
  close(): void {
    this.sendWaiting(this.waiting.size);
    this.flush();
  }

  private get onTheWay(): number {
    return (this.sent - this.options.taken()) | 0;
  }

  private tellBan(told: ToldDetection): void {
    const { waiting } = this;
    if (waiting.size === 0 && this.onTheWay < MOST_BANS_ON_THE_WAY) {
      this.send([told]);
      return;
    }
    const { detection } = told;
    // Whom it is about: the sender, or the host that is to be isolated, which may be either end.
    const device =
      detection.response === 'isolate' ? `${detection.source} ${detection.destination}` : detection.source;
    if (waiting.has(device)) {
      this.lose(detection.kind);
      // Of what stands in the kernel the main thread has to know.
      if (told.banned !== null) waiting.set(device, told);
    } else if (waiting.size < MOST_WAITING) waiting.set(device, told);
    else this.lose('ban');
  }

  private sendWaiting(most: number): void {
    const { waiting } = this;
    const next: ToldDetection[] = [];
    for (const [device, told] of waiting) {
      if (next.length >= most) break;
      next.push(told);
      waiting.delete(device);
    }
    if (next.length > 0) this.send(next);
  }

  private send(told: readonly ToldDetection[]): void {
    this.sent = (this.sent + told.length) | 0;
    this.options.send(told);
  }

  private lose(kind: DetectionKind | 'ban'): void {
    const place = placeOf[kind];
    this.lost[place] = (this.lost[place] as number) + 1;
  }
}
