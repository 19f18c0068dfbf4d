import type { RateAction, TrackedBy } from '@portcullis/rules';
import type { AddressSet } from './address-set';
import type { InspectionContext } from './context';
import { PlaceLocks } from './place-locks';
import { PortCounts } from './port-counts';

export type ThresholdType = 'limit' | 'threshold' | 'both' | 'detection_filter';
export type ThresholdTrack = TrackedBy;

/** Counts matches within periods of so many seconds. */
export interface PeriodThreshold {
  readonly type: ThresholdType;
  readonly track: ThresholdTrack;
  readonly count: number;
  readonly seconds: number;
  /** Counts each port once. */
  readonly uniqueOn?: 'src_port' | 'dst_port';
}

/** Tells of the match number `count`, then of that times `multiplier`, and so on. */
export interface BackoffThreshold {
  readonly type: 'backoff';
  readonly track: ThresholdTrack;
  readonly count: number;
  readonly multiplier: number;
}

/** Gives the rule another action while it matches too often, and for `timeout` seconds after. */
export interface RateThreshold {
  readonly type: 'rate_filter';
  readonly track: ThresholdTrack;
  readonly count: number;
  readonly seconds: number;
  readonly newAction: RateAction;
  readonly timeout: number;
}

/** Takes the alerts of some hosts away. */
export interface SuppressThreshold {
  readonly type: 'suppress';
  readonly track: 'by_src' | 'by_dst' | 'by_either';
  readonly addresses: AddressSet;
}

export type CountedThreshold = PeriodThreshold | BackoffThreshold | RateThreshold;
export type ThresholdSettings = CountedThreshold | SuppressThreshold;

/** What becomes of a match. SILENT: its action counts, no alert. CHANGED: it has the rate filter's action. */
export const ThresholdResult = { NOTHING: 0, ALERT: 1, SILENT: 2, CHANGED: 3 } as const;
export type ThresholdResult = 0 | 1 | 2 | 3;

const WAYS = 8;
const KEY_WORDS = 9;
const SECOND = 1e6;
/** How long the count of a backoff is kept without a match, microseconds. */
const BACKOFF_KEPT = 3600 * SECOND;
const LARGEST_COUNT = 0xffffffff;

/** Sets of `WAYS` entries for so many entries. */
function setsFor(capacity: number): number {
  let sets = 1;
  while (sets * WAYS < capacity) sets *= 2;
  return sets;
}

/**
 * Counts of rule matches by address, in a table of fixed size: eight places for each hash, of which the one with the
 * oldest period is given up (and counted) when all are taken. Time is packet time. Threads that share its memory count
 * together: connections of one host may be with any of them.
 */
export class ThresholdTable {
  /** Entries that were given up while their period was still running. */
  evictions = 0;

  private readonly sets: number;
  private readonly keys: Uint32Array;
  private readonly rules: Float64Array;
  /** Microseconds; 0: the place is free. */
  private readonly began: Float64Array;
  private readonly ends: Float64Array;
  private readonly counts: Uint32Array;
  /** Rate filter: when the other action was last called for, microseconds, 0 never. Backoff: the next count told of. */
  private readonly marks: Float64Array;
  private readonly ports: PortCounts;
  private readonly locks: PlaceLocks;
  private readonly key = new Uint32Array(KEY_WORDS);

  /**
   * @param capacity entries, rounded up to a power of two
   * @param memory of `bytesFor` the capacity, zero before the first table is made of it
   * @param seed of the hashes, the same for all tables of a memory
   */
  constructor(
    capacity: number,
    memory: ArrayBufferLike = new ArrayBuffer(ThresholdTable.bytesFor(capacity)),
    private readonly seed = 0,
  ) {
    const sets = setsFor(capacity);
    const entries = sets * WAYS;
    let at = 0;
    const numbers = () => {
      const array = new Float64Array(memory, at, entries);
      at += array.byteLength;
      return array;
    };
    const words = (length: number) => {
      const array = new Uint32Array(memory, at, length);
      at += array.byteLength;
      return array;
    };
    this.sets = sets;
    this.rules = numbers();
    this.began = numbers();
    this.ends = numbers();
    this.marks = numbers();
    this.keys = words(entries * KEY_WORDS);
    this.counts = words(entries);
    this.locks = new PlaceLocks(new Int32Array(memory, at, sets));
    this.ports = new PortCounts(memory, at + sets * 4);
  }

  static bytesFor(capacity: number): number {
    const sets = setsFor(capacity);
    return sets * WAYS * (4 * 8 + KEY_WORDS * 4 + 4) + sets * 4 + PortCounts.BYTES;
  }

  /**
   * Counts a match.
   * @param rule number of the rule that outlives a reload (gid and sid)
   * @param index place of `settings` among those of the rule
   */
  count(
    rule: number,
    index: number,
    settings: ThresholdSettings,
    context: InspectionContext,
  ): ThresholdResult {
    if (settings.type === 'suppress') return isSuppressed(settings, context) ? 2 : 1;
    const set = this.setOf(rule, index, settings.track, context);
    this.locks.take(set);
    const slot = this.find(set, rule, context.timeMicros);
    const result = this.countAt(slot, settings, context);
    this.locks.release(set);
    return result;
  }

  private countAt(slot: number, settings: CountedThreshold, context: InspectionContext): ThresholdResult {
    const now = context.timeMicros;
    switch (settings.type) {
      case 'backoff':
        return this.countBackoff(slot, settings, now);
      case 'rate_filter':
        return this.countRate(slot, settings, now);
      default:
        return this.countPeriod(slot, settings, context, now);
    }
  }

  private countPeriod(
    slot: number,
    settings: PeriodThreshold,
    context: InspectionContext,
    now: number,
  ): ThresholdResult {
    const { counts } = this;
    const known = this.began[slot] !== 0;
    const running = this.enterPeriod(slot, settings.seconds, now);
    if (!running && settings.uniqueOn !== undefined) this.ports.release(slot);
    if (settings.uniqueOn === undefined) counts[slot]++;
    else {
      const { sourcePort, destinationPort } = context.packet;
      const port = settings.uniqueOn === 'src_port' ? sourcePort : destinationPort;
      if (this.ports.add(slot, port)) counts[slot]++;
    }
    const count = counts[slot];
    switch (settings.type) {
      case 'limit':
        return count <= settings.count ? 1 : 2;
      case 'threshold':
        // Suricata again: the match that begins a new period is counted, never told.
        if (count < settings.count || (known && !running)) return 0;
        counts[slot] = 0;
        return 1;
      case 'both':
        return count === settings.count ? 1 : count > settings.count ? 2 : 0;
      case 'detection_filter':
        return count > settings.count ? 1 : 0;
    }
  }

  private countBackoff(slot: number, settings: BackoffThreshold, now: number): ThresholdResult {
    const { counts, marks } = this;
    if (this.began[slot] === 0) {
      this.began[slot] = now === 0 ? 1 : now;
      marks[slot] = settings.count;
    }
    this.ends[slot] = now + BACKOFF_KEPT;
    if (counts[slot] < LARGEST_COUNT) counts[slot]++;
    if (counts[slot] !== marks[slot]) return 2;
    marks[slot] *= settings.multiplier;
    return 1;
  }

  private countRate(slot: number, settings: RateThreshold, now: number): ThresholdResult {
    const { counts, marks } = this;
    let changed = false;
    if (marks[slot] !== 0) {
      if (Math.floor(now / SECOND) - Math.floor(marks[slot] / SECOND) > settings.timeout) marks[slot] = 0;
      else changed = true;
    }
    this.enterPeriod(slot, settings.seconds, now);
    if (++counts[slot] > settings.count) {
      marks[slot] = now === 0 ? 1 : now;
      changed = true;
    }
    if (changed) this.ends[slot] = Math.max(this.ends[slot], marks[slot] + settings.timeout * SECOND);
    return changed ? 3 : 1;
  }

  /** @returns whether a period was running; else one begins, with a count of 0 */
  private enterPeriod(slot: number, seconds: number, now: number): boolean {
    // The last moment of a period still belongs to it, as in Suricata.
    if (this.began[slot] !== 0 && now - this.began[slot] <= seconds * SECOND) return true;
    this.began[slot] = now === 0 ? 1 : now;
    this.ends[slot] = now + seconds * SECOND;
    this.counts[slot] = 0;
    return false;
  }

  /** Makes the key of what is counted. @returns the set of places that it may be in */
  private setOf(rule: number, index: number, track: ThresholdTrack, context: InspectionContext): number {
    const { key } = this;
    this.fillKey(track, context);
    key[KEY_WORDS - 1] = index;
    let hash = this.seed ^ (rule | 0) ^ Math.imul((rule / 0x100000000) | 0, 0x9e3779b1);
    for (let i = 0; i < KEY_WORDS; i++) {
      hash = Math.imul(hash ^ key[i], 0x85ebca6b);
      hash ^= hash >>> 13;
    }
    return (hash >>> 4) & (this.sets - 1);
  }

  /** @returns the place of the key, which is a new one where there was none */
  private find(set: number, rule: number, now: number): number {
    const first = set * WAYS;
    let victim = first;
    for (let slot = first; slot < first + WAYS; slot++) {
      if (this.began[slot] !== 0 && this.rules[slot] === rule && this.sameKey(slot)) return slot;
      if (this.ends[slot] < this.ends[victim]) victim = slot;
    }
    if (this.began[victim] !== 0 && this.ends[victim] > now) this.evictions++;
    // Free first: should this thread be ended here, the place belongs to nobody.
    this.began[victim] = 0;
    this.rules[victim] = rule;
    this.keys.set(this.key, victim * KEY_WORDS);
    this.counts[victim] = 0;
    this.marks[victim] = 0;
    this.ports.release(victim);
    return victim;
  }

  private sameKey(slot: number): boolean {
    const at = slot * KEY_WORDS;
    for (let i = 0; i < KEY_WORDS; i++) if (this.keys[at + i] !== this.key[i]) return false;
    return true;
  }

  private fillKey(track: ThresholdTrack, context: InspectionContext): void {
    const key = this.key;
    const { source, destination } = context.packet;
    key.fill(0);
    switch (track) {
      case 'by_src':
        copyWords(key, 0, source);
        return;
      case 'by_dst':
        copyWords(key, 0, destination);
        return;
      case 'by_both': {
        // Both directions of a pair of hosts are one pair.
        const swapped = compareWords(source, destination) > 0;
        copyWords(key, 0, swapped ? destination : source);
        copyWords(key, 4, swapped ? source : destination);
        return;
      }
      case 'by_flow':
        key[0] = context.flowId >>> 0;
        key[1] = (context.flowId / 0x100000000) >>> 0;
        return;
      case 'by_rule':
        return;
    }
  }
}

function isSuppressed({ track, addresses }: SuppressThreshold, { packet }: InspectionContext): boolean {
  const holds = (address: Uint32Array) =>
    packet.version === 4 ? addresses.hasV4(address[3]) : addresses.hasV6(address);
  return (track !== 'by_dst' && holds(packet.source)) || (track !== 'by_src' && holds(packet.destination));
}

function copyWords(to: Uint32Array, at: number, from: Uint32Array): void {
  for (let i = 0; i < 4; i++) to[at + i] = from[i];
}

function compareWords(a: Uint32Array, b: Uint32Array): number {
  for (let i = 0; i < 4; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return 0;
}
