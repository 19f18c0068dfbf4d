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
/**
 * Milliseconds between two messages at least: each wakes the main thread, which in a flood costs as much as what it says. The
 * first for a long time goes at once.
 */
export const GATHERING_MILLISECONDS = 5;

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
  /** Milliseconds of a clock that nobody sets. */
  now(): number;
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
 * the way at once; what comes beyond is lost and counted. Not so bans: they go first, and where even that is too much, they
 * wait here, one for each device.
 */
export class DetectionOutbox {
  /** Of each of `LostKinds`, how many. */
  readonly lost = new Float64Array(LostKinds.length);
  private bans: ToldDetection[] = [];
  private others: ToldDetection[] = [];
  /** Bans that are too many, by device. */
  private readonly waiting = new Map<string, ToldDetection>();
  private sent = 0;
  private sentAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: OutboxOptions) {}

  /** Something is to be sent when its time has come: `flush` is to be called soon. */
  get pending(): boolean {
    return this.bans.length + this.others.length > 0;
  }

  tell(told: ToldDetection): void {
    const { detection } = told;
    if (asksForBan(detection, this.options.bansWithoutHandshake())) {
      this.tellBan(told);
      // Not only after the batch: where the kernel lets the attacker in still, its other packets would go first.
      this.flush();
    } else if (this.onTheWay < MOST_ON_THE_WAY) this.others.push(told);
    else this.lose(detection.kind);
  }

  /** Sends what has been gathered if its time has come. To be called after each batch of packets. */
  flush(): void {
    if (this.options.now() - this.sentAt >= GATHERING_MILLISECONDS) this.sendGathered();
  }

  /** Sends what has been gathered: there is nothing else to do. */
  sendGathered(): void {
    if (this.waiting.size > 0) this.takeWaiting(MOST_BANS_ON_THE_WAY - this.onTheWay);
    if (!this.pending) return;
    const { bans, others } = this;
    const told = others.length === 0 ? bans : [...bans, ...others];
    this.bans = [];
    this.others = [];
    this.sent = (this.sent + told.length) | 0;
    this.sentAt = this.options.now();
    this.options.send(told);
  }

  /** Sends everything: nothing follows. */
  close(): void {
    this.takeWaiting(this.waiting.size);
    this.sendGathered();
  }

  /** Sent or about to be, and not taken yet. */
  private get onTheWay(): number {
    return ((this.sent - this.options.taken()) | 0) + this.bans.length + this.others.length;
  }

  private tellBan(told: ToldDetection): void {
    const { waiting } = this;
    if (waiting.size === 0 && this.onTheWay < MOST_BANS_ON_THE_WAY) {
      this.bans.push(told);
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

  private takeWaiting(most: number): void {
    const { waiting } = this;
    let room = most;
    for (const [device, told] of waiting) {
      if (room-- <= 0) break;
      this.bans.push(told);
      waiting.delete(device);
    }
  }

  private lose(kind: DetectionKind | 'ban'): void {
    const place = placeOf[kind];
    this.lost[place] = (this.lost[place] as number) + 1;
  }
}
