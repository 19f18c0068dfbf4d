import { RuleError } from '@portcullis/rules';
import { DirectionBit, type RuleBuilder } from './rule-builder';

/** A buffer that is there once a protocol has come to the moment of a hook. */
interface HookPlace {
  readonly buffer: string;
  readonly direction: number;
}

const { TO_SERVER, TO_CLIENT } = DirectionBit;

const HOOKS: ReadonlyMap<string, HookPlace> = new Map([
  ['tls:client_hello_done', { buffer: 'tls.random', direction: TO_SERVER }],
  ['tls:server_hello', { buffer: 'tls.random', direction: TO_CLIENT }],
  ['tls:server_cert_done', { buffer: 'tls.certs', direction: TO_CLIENT }],
  ['http1:request_line', { buffer: 'http.request_line', direction: TO_SERVER }],
  ['http1:request_headers', { buffer: 'http.header_names', direction: TO_SERVER }],
  ['http1:response_line', { buffer: 'http.response_line', direction: TO_CLIENT }],
  ['http1:response_headers', { buffer: 'http.header_names', direction: TO_CLIENT }],
]);

/** Protocols of which a rule may name the first packet of a flow. */
const PACKET_PROTOCOLS: readonly string[] = ['ip', 'tcp', 'udp', 'icmp', 'ipv4', 'ipv6'];

/** The rule is asked at the moment that its header names behind the protocol: `tls:client_hello_done`. */
export function addHook(builder: RuleBuilder): void {
  const { header, place, sid } = builder.rule;
  const { protocol, hook } = header;
  if (hook === null) return;
  if (hook === 'flow_start' && PACKET_PROTOCOLS.includes(protocol)) {
    builder.packetTests.push({
      matches: ({ hasFlow, flowPackets }) => hasFlow && flowPackets[0] + flowPackets[1] === 1,
    });
    return;
  }
  const found = HOOKS.get(`${protocol}:${hook}`);
  if (!found) throw new RuleError(`hook ${protocol}:${hook} is not supported yet`, place, sid);
  if (builder.directions !== 0 && builder.directions !== found.direction) {
    throw new RuleError(`flow names the other direction than hook ${hook}`, place, sid);
  }
  if (!builder.environment.buffers.has(found.buffer)) {
    throw new RuleError(`protocol ${protocol} is not supported yet`, place, sid);
  }
  builder.directions = found.direction;
  builder.addCondition(found.buffer, null);
}
