import { type ProtocolDefinition, Transport } from '../transaction';
import { ENIP_BUFFERS } from './buffers';
import { EnipMessage } from './message';
import { createEnipFrames } from './message-frames';
import { commandName, statusName } from './names';
import { EnipEvent, EnipParser, type EnipTransaction, probeEnip } from './parser';

/** EtherNet/IP with the Common Industrial Protocol in it, over TCP and UDP. */
export function createEnip(): ProtocolDefinition {
  const message = new EnipMessage();
  const frames = createEnipFrames();
  return {
    name: 'enip',
    transports: [Transport.TCP, Transport.UDP],
    parserBytes: { tcp: 1300, udp: 200 },
    buffers: [...ENIP_BUFFERS, ...frames.buffers],
    frames,
    events: Object.values(EnipEvent),
    probe: probeEnip,
    create: (listener, transport) => new EnipParser(message, frames, listener, transport),
    describe: (tx) => describe(tx as EnipTransaction),
  };
}

/** EVE's `enip` object. */
function describe(tx: EnipTransaction): Record<string, unknown> {
  const command = commandName(tx.command);
  return {
    ...((tx.seen & 1) !== 0 && { request: { command, status: statusName(tx.status) } }),
    ...(tx.responseStatus >= 0 && { response: { command, status: statusName(tx.responseStatus) } }),
  };
}
