import type { ExpectedFlow } from '@portcullis/protocols';

/** Announced flows that are waited for at most; a peer that announces more displaces the oldest. */
const MOST = 4096;
/** How long an announced flow is waited for, microseconds of packet time. */
const PATIENCE = 60_000_000;

interface Waiting {
  readonly flow: ExpectedFlow;
  readonly until: number;
}

/** Flows that others have announced (the data connections of FTP), by the address and port that wait for them. */
export class ExpectedFlows {
  private readonly waiting = new Map<string, Waiting>();

  get size(): number {
    return this.waiting.size;
  }

  /** @param address of the end that waits for the connection, four big-endian words */
  add(address: Uint32Array, flow: ExpectedFlow, now: number): void {
    const key = keyOf(address, flow.port);
    this.waiting.delete(key);
    if (this.waiting.size >= MOST) this.waiting.delete(this.waiting.keys().next().value as string);
    this.waiting.set(key, { flow, until: now + PATIENCE });
  }

  /** Takes out what is known of a flow to that address and port; null where nobody has announced it. */
  take(address: Uint32Array, port: number, now: number): ExpectedFlow | null {
    const key = keyOf(address, port);
    const found = this.waiting.get(key);
    if (found === undefined) return null;
    this.waiting.delete(key);
    return found.until >= now ? found.flow : null;
  }

  clear(): void {
    this.waiting.clear();
  }
}

function keyOf(address: Uint32Array, port: number): string {
  return `${address[0]} ${address[1]} ${address[2]} ${address[3]} ${port}`;
}
