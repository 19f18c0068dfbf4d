import { type ProtocolDefinition, Transport } from '../transaction';
import { looksLikeSnmp, PduType, SnmpMessage } from './message';
import { SNMP_BUFFERS, SnmpEvent, SnmpParser, SnmpTransaction } from './parser';

const PORTS: ReadonlySet<number> = new Set([161, 162]);
const MOST_TEXT = 256;

/** SNMP of versions 1, 2c and 3 over UDP. Away from its ports the first message must be whole. */
export function createSnmp(): ProtocolDefinition {
  const tx = new SnmpTransaction();
  const probed = new SnmpMessage();
  return {
    name: 'snmp',
    transports: [Transport.UDP],
    parserBytes: { udp: 250 },
    buffers: SNMP_BUFFERS,
    events: Object.values(SnmpEvent),
    probe(_direction, bytes, start, end, flow) {
      if (!looksLikeSnmp(bytes, start, end)) return -1;
      if (PORTS.has(flow.serverPort) || PORTS.has(flow.clientPort)) return 1;
      return probed.read(bytes, start, end) ? 1 : -1;
    },
    create: (listener) => new SnmpParser(tx, listener),
    describe: (told) => describe(told as SnmpTransaction),
  };
}

const PDU_TEXT = new Map(
  Object.entries(PduType).map(([name, number]) => [number as number, name.toLowerCase()]),
);

/** EVE's `snmp` object. */
function describe({ message }: SnmpTransaction): Record<string, unknown> {
  const text = (start: number, end: number) =>
    Buffer.from(message.bytes.subarray(start, Math.min(end, start + MOST_TEXT))).toString('latin1');
  return {
    version: message.version,
    ...(message.encrypted
      ? { pdu_type: 'encrypted' }
      : { pdu_type: PDU_TEXT.get(message.pduType) ?? 'unknown', vars: message.names() }),
    ...(message.errorStatus !== 0 && { error: message.errorStatus }),
    ...(message.hasCommunity && { community: text(message.communityStart, message.communityEnd) }),
    ...(message.hasUser && { usm: text(message.userStart, message.userEnd) }),
  };
}
