import { RuleError } from '@portcullis/rules';
import { FlowFact } from './keyword';
import { protocolState } from './protocol-states';
import type { RuleBuilder } from './rule-builder';

/** Protocols of which a rule may name the first packet of each direction of a flow. */
const PACKET_PROTOCOLS: readonly string[] = ['ip', 'tcp', 'udp', 'icmp', 'ipv4', 'ipv6'];

/** The rule is asked in the state that its header names behind the protocol: `tls:client_hello_done`. */
export function addHook(builder: RuleBuilder): void {
  const { header, place, sid } = builder.rule;
  const { protocol, hook } = header;
  if (hook === null) return;
  if (hook === 'flow_start' && PACKET_PROTOCOLS.includes(protocol)) {
    builder.packetTests.push({
      asks: FlowFact.COUNTS,
      matches: ({ hasFlow, flowPackets, direction }) => hasFlow && flowPackets[direction] === 1,
    });
    return;
  }
  const { buffers } = builder.environment;
  if (buffers.protocolsOf(protocol).length === 0) {
    throw new RuleError(`protocol ${protocol} is not supported yet`, place, sid);
  }
  const state = protocolState(buffers, protocol, hook);
  if (!state) throw new RuleError(`hook ${protocol}:${hook} is not supported yet`, place, sid);
  builder.addStates(null, 1 << state.progress, state);
}
