import type { Candidates } from './candidates';

/** Bits of one flow above this count are refused and counted. */
export const MAX_FLOW_BITS = 1024;
/** Stream rules that are listed while they wait for more bytes. */
const MAX_STREAM_WAITING = 8;

/** Rules that look at buffers, listed while their raw contents are in a stream window still held. */
const MAX_RAW_FOUND = 32;
/** In a list, instead of a rule: more of that direction than are listed. Who asks for them looks at the window once more. */
const MORE = -1;

/** Variables of one flow (`flowint`) above this count are refused. */
const MAX_FLOW_INTEGERS = 64;
/** Bits of transactions (`xbits` with `track tx`) of one flow above this count are refused. */
const MAX_TRANSACTION_BITS = 256;

/** Stands for every list that is empty: a flow at rest with a flow bit set should hold no more than that. */
const NONE: readonly number[] = [];

/** Lists made last, by the bit that was added: flows of one kind have the same bits, set in the same order. */
const MADE = 64;
const madeFrom: (readonly number[] | null)[] = new Array(MADE).fill(null);
const made: (readonly number[])[] = new Array(MADE).fill(NONE);

/** A list with one more bit; often one that other flows have too. */
function withBit(bits: readonly number[], bit: number): readonly number[] {
  const place = bit & (MADE - 1);
  const known = made[place];
  if (madeFrom[place] === bits && known[known.length - 1] === bit) return known;
  const list = bits.concat(bit);
  madeFrom[place] = bits;
  made[place] = list;
  return list;
}

/** Adds the rules of one direction that a list of triples holds. @returns whether there are any */
export function addListed(triples: readonly number[], direction: number, candidates: Candidates): boolean {
  let added = false;
  for (let i = 0; i < triples.length; i += 3) {
    if (triples[i] !== direction || triples[i + 1] === MORE) continue;
    candidates.add(triples[i + 1]);
    added = true;
  }
  return added;
}

/** What rules remember of one flow. Exists only while there is something to remember. */
export class FlowMatchState {
  /**
   * Names (numbers of the `NameTable`) of the flow bits that are set; few, so a list is smaller than a set. Replaced
   * as a whole, because an array that is pushed to reserves room for seventeen.
   */
  bits: readonly number[] = NONE;
  /** Rule set that `waiting` and `rawFound` belong to: rule numbers mean nothing to another one. */
  generation = 0;
  /**
   * Stream rules whose fast pattern was seen and which later bytes may still complete: three numbers each: direction,
   * rule (or MORE), stream offset behind which the fast pattern is no longer in the window.
   */
  waiting: readonly number[] = NONE;

  /** Rules found by raw contents while a transaction is in progress: direction, rule, the same offset. */
  rawFound: readonly number[] = NONE;

  /** Variables that were set: name (number of the `NameTable`) and value, in turn. */
  private integers: readonly number[] = NONE;
  /** Bits of open transactions: transaction and name, in turn. */
  private transactionBits: readonly number[] = NONE;

  /** @returns -1 where the variable is not set */
  integer(name: number): number {
    const { integers } = this;
    for (let i = 0; i < integers.length; i += 2) if (integers[i] === name) return integers[i + 1];
    return -1;
  }

  /** @returns false where the flow has as many variables as it may have */
  setInteger(name: number, value: number): boolean {
    const { integers } = this;
    for (let i = 0; i < integers.length; i += 2) {
      if (integers[i] !== name) continue;
      const changed = integers.slice();
      changed[i + 1] = value;
      this.integers = changed;
      return true;
    }
    if (integers.length >= MAX_FLOW_INTEGERS * 2) return false;
    this.integers = integers.concat(name, value);
    return true;
  }

  hasTransactionBit(transaction: number, bit: number): boolean {
    const { transactionBits } = this;
    for (let i = 0; i < transactionBits.length; i += 2) {
      if (transactionBits[i] === transaction && transactionBits[i + 1] === bit) return true;
    }
    return false;
  }

  /** @returns false where the flow has as many as it may have */
  setTransactionBit(transaction: number, bit: number): boolean {
    if (this.hasTransactionBit(transaction, bit)) return true;
    if (this.transactionBits.length >= MAX_TRANSACTION_BITS * 2) return false;
    this.transactionBits = this.transactionBits.concat(transaction, bit);
    return true;
  }

  /** @param bit -1: all of the transaction's */
  unsetTransactionBit(transaction: number, bit: number): void {
    const { transactionBits } = this;
    if (transactionBits.length === 0) return;
    const left: number[] = [];
    for (let i = 0; i < transactionBits.length; i += 2) {
      const goes = transactionBits[i] === transaction && (bit < 0 || transactionBits[i + 1] === bit);
      if (!goes) left.push(transactionBits[i], transactionBits[i + 1]);
    }
    this.transactionBits = left.length > 0 ? left : NONE;
  }

  /** Forgets what belongs to another rule set. */
  belongTo(generation: number): void {
    if (this.generation === generation) return;
    this.generation = generation;
    this.waiting = NONE;
    this.rawFound = NONE;
  }

  has(bit: number): boolean {
    const bits = this.bits;
    for (let i = 0; i < bits.length; i++) if (bits[i] === bit) return true;
    return false;
  }

  /** @returns false where the flow has as many bits as it may have. */
  set(bit: number): boolean {
    if (this.has(bit)) return true;
    if (this.bits.length >= MAX_FLOW_BITS) return false;
    this.bits = withBit(this.bits, bit);
    return true;
  }

  wait(direction: number, rule: number, until: number): void {
    this.waiting = withTriple(this.waiting, MAX_STREAM_WAITING, direction, rule, until);
  }

  /** Whether rules of a direction wait that are not listed. */
  hasMoreWaiting(direction: number): boolean {
    return hasMore(this.waiting, direction);
  }

  /** The same for rules found by raw contents. */
  hasMoreRaw(direction: number): boolean {
    return hasMore(this.rawFound, direction);
  }

  /** A waiting rule is done with. */
  endWait(direction: number, rule: number): void {
    this.waiting = without(this.waiting, (at, of) => at === direction && of === rule);
  }

  keepRaw(direction: number, rule: number, until: number): void {
    const others = without(this.rawFound, (at, of) => at === direction && of === rule);
    this.rawFound = withTriple(others, MAX_RAW_FOUND, direction, rule, until);
  }

  /** Forgets waiting rules whose pattern has left the window of a direction, which now begins at `streamOffset`. */
  expireWaiting(direction: number, streamOffset: number): void {
    this.waiting = without(this.waiting, (at, _, until) => at === direction && until <= streamOffset);
  }

  /** The same for rules found by raw contents. */
  expireRaw(direction: number, streamOffset: number): void {
    this.rawFound = without(this.rawFound, (at, _, until) => at === direction && until <= streamOffset);
  }

  unset(bit: number): void {
    if (!this.has(bit)) return;
    const left = this.bits.filter((other) => other !== bit);
    this.bits = left.length > 0 ? left : NONE;
  }

  get empty(): boolean {
    return (
      this.bits.length === 0 &&
      this.waiting.length === 0 &&
      this.rawFound.length === 0 &&
      this.integers.length === 0 &&
      this.transactionBits.length === 0
    );
  }
}

/** A list of triples with one more; where it is full, with MORE of that direction instead. */
function withTriple(
  triples: readonly number[],
  most: number,
  direction: number,
  rule: number,
  until: number,
): readonly number[] {
  if (triples.length < most * 3) return triples.concat(direction, rule, until);
  return without(triples, (at, of) => at === direction && of === MORE).concat(direction, MORE, until);
}

function hasMore(triples: readonly number[], direction: number): boolean {
  for (let i = 0; i < triples.length; i += 3)
    if (triples[i] === direction && triples[i + 1] === MORE) return true;
  return false;
}

/** A list of triples without those that `gone` picks; the list itself where it picks none. */
function without(
  triples: readonly number[],
  gone: (direction: number, rule: number, until: number) => boolean,
): readonly number[] {
  let kept: number[] | null = null;
  for (let i = 0; i < triples.length; i += 3) {
    const goes = gone(triples[i], triples[i + 1], triples[i + 2]);
    if (goes) kept ??= triples.slice(0, i);
    else kept?.push(triples[i], triples[i + 1], triples[i + 2]);
  }
  if (kept === null) return triples;
  return kept.length > 0 ? kept : NONE;
}
