import type { ExpectedFlow } from '@portcullis/protocols';

/** Announced flows that are waited for at most; a peer that announces more displaces the oldest. */
const MOST = 4096;
/** How long an announced flow is waited for, microseconds of packet time. */
const PATIENCE = 60_000_000;

const PORT_GROUPS = 4096;

interface Waiting {
  readonly flow: ExpectedFlow;
  readonly until: number;
}

/** Flows that others have announced (the data connections of FTP), by the address and port that wait for them. */
export class ExpectedFlows {
  private readonly waiting = new Map<string, Waiting>();
  /** By port, those that differ by a multiple of as many together: how many are waited for. Most flows are none of them. */
  private readonly onPorts = new Uint16Array(PORT_GROUPS);

  get size(): number {
    return this.waiting.size;
  }

  /** @param address of the end that waits for the connection, four big-endian words */
  add(address: Uint32Array, flow: ExpectedFlow, now: number): void {
    const key = keyOf(address, flow.port);
    this.remove(key);
    if (this.waiting.size >= MOST) this.remove(this.waiting.keys().next().value as string);
    this.waiting.set(key, { flow, until: now + PATIENCE });
    this.onPorts[flow.port % PORT_GROUPS]++;
  }

  /** Takes out what is known of a flow to that address and port; null where nobody has announced it. */
  take(address: Uint32Array, port: number, now: number): ExpectedFlow | null {
    if (this.onPorts[port % PORT_GROUPS] === 0) return null;
    const found = this.remove(keyOf(address, port));
    return found !== undefined && found.until >= now ? found.flow : null;
  }

  clear(): void {
    this.waiting.clear();
    this.onPorts.fill(0);
  }

  private remove(key: string): Waiting | undefined {
    const found = this.waiting.get(key);
    if (found === undefined) return undefined;
    this.waiting.delete(key);
    this.onPorts[found.flow.port % PORT_GROUPS]--;
    return found;
  }
}

function keyOf(address: Uint32Array, port: number): string {
  return `${address[0]} ${address[1]} ${address[2]} ${address[3]} ${port}`;
}
