/** State of a rule that waits: bit i is set when its buffer test i has matched. */
export const PAYLOAD_DONE = 1 << 30;

/** Rules whose lists are kept for another transaction. */
const MOST_KEPT = 64;
/** What a state takes besides the numbers in its lists, in bytes; a test measures it. */
const OWN_BYTES = 800;

/** What the matcher remembers of one transaction beyond how far it has looked. Pooled. */
export class TransactionState {
  /** Rule set the numbers below belong to. */
  generation = 0;
  /** Progress up to which buffers were looked at, by direction; -1: none. */
  readonly seen: [number, number] = [-1, -1];
  /** Rules (times two plus direction) that wait for later buffers, and which of their buffer tests have matched. */
  rules = new Int32Array(8);
  done = new Int32Array(8);
  count = 0;
  /** Rules (times two plus direction) that have fired and must not fire again for this transaction. */
  fired = new Int32Array(4);
  firedCount = 0;

  /** What it takes, in bytes. */
  get bytes(): number {
    const { rules, done, fired } = this;
    return OWN_BYTES + 4 * (rules.length + done.length + fired.length);
  }

  get isSmall(): boolean {
    return this.rules.length <= MOST_KEPT && this.fired.length <= MOST_KEPT;
  }

  reset(generation: number): void {
    this.generation = generation;
    this.seen[0] = -1;
    this.seen[1] = -1;
    this.count = 0;
    this.firedCount = 0;
  }

  /** @returns false where `limit` rules wait already */
  wait(rule: number, done: number, limit: number): boolean {
    if (this.count === this.rules.length) {
      if (this.count >= limit) return false;
      this.rules = grown(this.rules);
      this.done = grown(this.done);
    }
    this.rules[this.count] = rule;
    this.done[this.count++] = done;
    return true;
  }

  remember(rule: number, limit: number): boolean {
    if (this.firedCount === this.fired.length) {
      if (this.firedCount >= limit) return false;
      this.fired = grown(this.fired);
    }
    this.fired[this.firedCount++] = rule;
    return true;
  }

  hasFired(rule: number): boolean {
    for (let i = 0; i < this.firedCount; i++) if (this.fired[i] === rule) return true;
    return false;
  }
}

function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}

/** A transaction where nothing waits needs no object: the progress of both directions as one small number. */
export function packSeen(toServer: number, toClient: number): number {
  return (toServer + 1) | ((toClient + 1) << 12);
}

export function seenOf(packed: number, direction: number): number {
  return ((packed >>> (direction * 12)) & 0xfff) - 1;
}
