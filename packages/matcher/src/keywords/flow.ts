import type { PacketView } from '@portcullis/wire';
import type { Keyword } from '../keyword';
import { argumentsOf, invalid } from '../option-value';
import { DirectionBit, FlowState, PayloadMode } from '../rule-builder';

/** A fragment, or a datagram that fragments were put together to. */
function isOfFragments({ reassembled, fragmentOffset, moreFragments }: PacketView): boolean {
  return reassembled || fragmentOffset !== 0 || moreFragments;
}

/** `flow:[to_server|to_client][,established|not_established|stateless][,only_stream|no_stream][,no_frag|only_frag]` */
export const flow: Keyword = {
  names: ['flow'],
  parse(option, rule) {
    const direction = (bit: number, index: number) => {
      if (rule.directions !== 0) throw invalid(option, 'names two directions', index);
      rule.directions = bit;
    };
    const state = (bit: number, index: number) => {
      if (rule.flowState !== 0) throw invalid(option, 'names two states of the flow', index);
      rule.flowState = bit;
    };
    let fragments = false;
    const fragment = (index: number) => {
      if (fragments) throw invalid(option, 'says twice how fragments are seen', index);
      fragments = true;
    };
    for (const { text, index } of argumentsOf(option)) {
      switch (text.toLowerCase()) {
        case 'to_server':
        case 'toserver':
        case 'from_client':
        case 'fromclient':
          direction(DirectionBit.TO_SERVER, index);
          break;
        case 'to_client':
        case 'toclient':
        case 'from_server':
        case 'fromserver':
          direction(DirectionBit.TO_CLIENT, index);
          break;
        case 'established':
          state(FlowState.ESTABLISHED, index);
          break;
        case 'not_established':
          state(FlowState.NOT_ESTABLISHED, index);
          break;
        case 'stateless':
          state(FlowState.STATELESS, index);
          break;
        case 'only_stream':
          if (rule.payloadMode & PayloadMode.PACKET) throw invalid(option, 'contradicts itself', index);
          rule.payloadMode |= PayloadMode.STREAM;
          break;
        case 'no_stream':
          if (rule.payloadMode & PayloadMode.STREAM) throw invalid(option, 'contradicts itself', index);
          rule.payloadMode |= PayloadMode.PACKET;
          break;
        case 'no_frag':
          fragment(index);
          rule.packetTests.push({
            matches: ({ packet }) => !isOfFragments(packet),
          });
          break;
        case 'only_frag':
          fragment(index);
          rule.packetTests.push({
            matches: ({ packet }) => isOfFragments(packet),
          });
          break;
        default:
          throw invalid(option, `unknown word "${text}"`, index);
      }
    }
  },
};
