import { FIRST_BUFFER } from '../buffer-ranges';
import { Frames } from '../frames/frames';
import { type ProtocolDefinition, type Transaction, Transport } from '../transaction';
import { type DnsName, dnsBuffers } from './buffers';
import { describeDns } from './describe';
import { DnsTransaction } from './dns-transaction';
import { DNS_EVENTS } from './events';
import { DnsMessage } from './message';
import { DNS_FRAMES, DnsParser } from './parser';
import { probeDns } from './probe';

export interface DnsSettings {
  /** Tell DNS by its bytes on all ports (default true); else only on port 53, as Suricata does. */
  readonly anyPort?: boolean;
}

/** DNS (RFC 1035) over UDP and TCP. */
export function createDns(settings: DnsSettings = {}): ProtocolDefinition {
  return createDnsLike('dns', [Transport.UDP, Transport.TCP], settings.anyPort ?? true);
}

/** A protocol with DNS's messages. Its parsers share one message, so there is one definition per worker. */
export function createDnsLike(
  name: DnsName,
  transports: readonly Transport[],
  anyPort = false,
): ProtocolDefinition {
  const message = new DnsMessage();
  const tx = new DnsTransaction(message, FIRST_BUFFER[name]);
  const frames = new Frames(name, DNS_FRAMES);
  return {
    name,
    transports,
    parserBytes: { tcp: 900, udp: 200 },
    buffers: [...dnsBuffers(name), ...frames.buffers],
    frames,
    events: DNS_EVENTS.map((event) => `${name}.${event}`),
    probe: (_direction, bytes, start, end, flow) => probeDns(name, anyPort, message, bytes, start, end, flow),
    create: (listener, transport) => new DnsParser(name, tx, frames, listener, transport),
    describe: (told: Transaction) => describeDns(told as DnsTransaction),
  };
}
