import { defaultTimeouts, type FlowTable } from '@portcullis/reassembly';
import { formatAddress, type PacketView, parseAddress, TcpFlag } from '@portcullis/wire';
import { ResetBuilder } from './reset';
import type { PacketSender } from './segment-builder';

/** One end of a connection: the address as text without zone, any form of IPv6. */
export interface ConnectionEnd {
  readonly address: string;
  readonly port: number;
}

/** Plain data that crosses threads: what is done about connections that were there before the inspection. */
export interface EarlierConnectionSettings {
  /** When the inspection began, microseconds since 1970. */
  readonly since: number;
  /** Connections that are adopted all the same. */
  readonly kept: readonly { readonly local: ConnectionEnd; readonly remote: ConnectionEnd }[];
}

const { SYN, RST } = TcpFlag;

/**
 * Connections that were there when the inspection began. Of those nobody has seen the beginning, so they are reset at
 * their next packet, and begin anew where it is seen.
 *
 * A worker begins without flows and forgets none before its time-out. Until the longest of those has passed a packet of
 * no flow that does not open one is therefore of a connection from before; later it may be of one that was forgotten.
 */
export class EarlierConnections {
  private readonly kept: ReadonlySet<string>;
  private readonly keptPorts: ReadonlySet<number>;
  private readonly resets = new ResetBuilder();
  private resetUntil: number;

  constructor(
    { since, kept }: EarlierConnectionSettings,
    private readonly table: FlowTable,
    private readonly sender: PacketSender | undefined,
  ) {
    this.resetUntil = since + defaultTimeouts.established * 1e6;
    this.kept = new Set(kept.flatMap(({ local, remote }) => [key(local, remote), key(remote, local)]));
    this.keptPorts = new Set(kept.map(({ local }) => local.port));
  }

  /**
   * Ends the connection of a TCP segment, if it is one from before. The segment is to be dropped then.
   * @param now microseconds since 1970
   */
  end(view: PacketView, now: number): boolean {
    if (now >= this.resetUntil || this.table.find(view) >= 0) return false;
    if (this.table.emergency) {
      // A table that is nearly full forgets before its time.
      this.resetUntil = 0;
      return false;
    }
    if (!this.isToBeReset(view)) return false;
    if (this.sender !== undefined) this.resets.send(view, this.sender);
    return true;
  }

  private isToBeReset(view: PacketView): boolean {
    // Both ends still wait for all of what a SYN-ACK opens, and a reset ends its connection by itself.
    if ((view.tcpFlags & (SYN | RST)) !== 0) return false;
    if (!this.keptPorts.has(view.sourcePort) && !this.keptPorts.has(view.destinationPort)) return true;
    const source = `${formatAddress(view.source)} ${view.sourcePort}`;
    return !this.kept.has(`${source} ${formatAddress(view.destination)} ${view.destinationPort}`);
  }
}

function key(from: ConnectionEnd, to: ConnectionEnd): string {
  return `${normalForm(from.address)} ${from.port} ${normalForm(to.address)} ${to.port}`;
}

/** As `formatAddress` writes it. */
function normalForm(address: string): string {
  const words = parseAddress(address);
  return words === null ? address : formatAddress(words);
}
