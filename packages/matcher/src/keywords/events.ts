import type { RuleOption } from '@portcullis/rules';
import { decodeEventNumber } from '@portcullis/wire';
import { streamEventNumber } from '../events/packet-events';
import type { Keyword } from '../keyword';
import { invalid, required } from '../option-value';
import { PayloadMode, type RuleBuilder } from '../rule-builder';

function addDecodeEvent(option: RuleOption, rule: RuleBuilder, name: string): void {
  const event = decodeEventNumber(name.toLowerCase());
  if (event < 0) throw invalid(option, `there is no event "${name}"`);
  rule.payloadMode |= PayloadMode.PACKET;
  rule.packetTests.push({ ofDecodeEvents: true, matches: ({ packet }) => packet.events.has(event) });
}

function addStreamEvent(option: RuleOption, rule: RuleBuilder, name: string): void {
  const event = streamEventNumber(name.toLowerCase());
  if (event === undefined) throw invalid(option, `there is no event "${name}"`);
  rule.payloadMode |= PayloadMode.PACKET;
  rule.packetTests.push({ matches: ({ streamEvents }) => streamEvents.has(event) });
}

/** `decode-event:ipv4.trunc_pkt`: something is wrong with the packet's headers. */
export const decodeEvent: Keyword = {
  names: ['decode-event'],
  parse(option, rule) {
    addDecodeEvent(option, rule, required(option));
  },
};

/** `stream-event:3whs_ack_in_wrong_dir`: something is wrong with how the packet fits its TCP connection. */
export const streamEvent: Keyword = {
  names: ['stream-event'],
  parse(option, rule) {
    addStreamEvent(option, rule, required(option));
  },
};

/** `engine-event:decoder.…`, `engine-event:stream.…`: the two above under one name. */
export const engineEvent: Keyword = {
  names: ['engine-event'],
  parse(option, rule) {
    const name = required(option);
    if (name.startsWith('stream.')) addStreamEvent(option, rule, name.slice('stream.'.length));
    else addDecodeEvent(option, rule, name.replace(/^decoder\./, ''));
  },
};

/** Events of finding out the protocol, whichever it is. */
const DETECTION_EVENTS: ReadonlySet<string> = new Set([
  'applayer_mismatch_protocol_both_directions',
  'applayer_wrong_direction_first_data',
  'applayer_detect_protocol_only_one_direction',
  'applayer_proto_detection_skipped',
  'applayer_no_tls_after_starttls',
  'applayer_unexpected_protocol',
]);

/** `app-layer-event:http.invalid_request_field_folding`: something is wrong with what the protocol carries. */
export const appLayerEvent: Keyword = {
  names: ['app-layer-event'],
  parse(option, rule) {
    const name = required(option).toLowerCase();
    if (DETECTION_EVENTS.has(name)) {
      rule.appLayerEvents.push(name);
      return;
    }
    const { events, buffers } = rule.environment;
    const form = /^([\w-]+)\.[\w.]+$/.exec(name);
    if (!form) throw invalid(option, `there is no event "${name.slice(0, 80)}"`);
    const [, protocol] = form;
    if (events !== null && !events.has(name)) {
      const known = buffers.protocolsOf(protocol).length > 0;
      throw invalid(
        option,
        known ? `there is no event "${name}"` : `protocol ${protocol} is not supported yet`,
      );
    }
    rule.appLayerEvents.push(name);
    rule.requireProtocol(protocol);
  },
};
