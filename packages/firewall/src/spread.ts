/**
 * Which queue a packet goes to whose connection has none yet: always the same one for the same two ends, whatever connection tracking
 * knows of them. A sender can make it forget a connection (a RST that ends on the way, then a SYN), and two workers that see
 * half of a connection each see nothing. See docs/decisions/0020-a-connection-has-one-queue.md.
 */
import { ClassicBpf } from './classic-bpf';
import type { Family } from './names';
import type { QueuedProtocol } from './plan';

/** IPv6 headers with options or a route before the ports that are stepped over. A packet with more of them is none that begins a flow. */
export const EXTENSION_HEADERS_FOLLOWED = 4;

/** Odd, and with bits in no pattern: the golden ratio, and a prime of xxHash. */
const MIX_PORTS = 0x9e3779b1;
const MIX_ALL = 0x85ebca77;

/**
 * RFC 8200 section 4: hop-by-hop options, destination options, routing header. Fragments have been put together before, and lost their
 * header by that, also where there is one only (nf_defrag_ipv6); behind others no receiver takes a connection's packet.
 */
const STEPPED_OVER = [0, 60, 43] as const;

/** @returns a condition of iptables-restore that one in `queues` pairs of ends meets, another one for each `index` */
export function ofQueue(family: Family, protocol: QueuedProtocol, index: number, queues: number): string {
  const program = new ClassicBpf();
  if (family === 4) program.load(4, 16).toX().load(4, 12).addX().keep(0);
  // The last quarter of the addresses: there is no room for more in a program.
  else program.load(4, 36).toX().load(4, 20).addX().keep(0);
  if (protocol !== 'icmp') {
    if (family === 4) program.headerLengthToX(0);
    else stepOverExtensions(program);
    program.loadBehindX(2, 0).keep(1).loadBehindX(2, 2).keptToX(1).addX().times(MIX_PORTS).keptToX(0).addX();
  }
  program.times(MIX_ALL).toX().shiftRight(16).xorX().modulo(queues);
  program.ifEqual(index, { no: 'other' }).match().label('other').noMatch();
  return `-m bpf --bytecode "${program.text()}"`;
}

/** X = where the header behind the extension headers begins. */
function stepOverExtensions(program: ClassicBpf): void {
  program.constantToX(40).load(1, 6);
  for (let step = 0; step < EXTENSION_HEADERS_FOLLOWED; step++) {
    const [first, second, third] = STEPPED_OVER;
    const header = `header ${step}`;
    program.ifEqual(first, { yes: header }).ifEqual(second, { yes: header }).ifEqual(third, { no: 'ports' });
    // {next header, length in units of 8 bytes less one}
    program.label(header).loadBehindX(1, 1).plus(1).shiftLeft(3).addX().keep(1).loadBehindX(1, 0).keptToX(1);
  }
  program.label('ports');
}
