import { RULE_PROTOCOLS } from '@portcullis/rules';
import type { InspectionContext } from '../context';
import type { Keyword } from '../keyword';
import { argumentsOf, invalid } from '../option-value';

type Mode = 'direction' | 'final' | 'original' | 'either' | 'to_server' | 'to_client' | 'exact';
const MODES: readonly string[] = ['final', 'original', 'either', 'to_server', 'to_client', 'exact'];

/** @returns number of the protocol that the bytes of a side told, 0 while unknown */
function ofSide({ sideProtocols, appProtocol }: InspectionContext, side: 0 | 1): number {
  return sideProtocols[side] || appProtocol;
}

/**
 * `app-layer-protocol:[!]name[,final|original|either|to_server|to_client|exact]`: the protocol of the flow, by default
 * as the bytes of the packet's direction told it. `failed`: none was found. A protocol not yet known matches neither
 * way.
 */
export const appLayerProtocol: Keyword = {
  names: ['app-layer-protocol'],
  parse(option, rule) {
    const [first, second, extra] = argumentsOf(option);
    if (extra) throw invalid(option, 'takes a protocol and a mode', extra.index);
    if (second && !MODES.includes(second.text))
      throw invalid(option, `unknown mode "${second.text}"`, second.index);
    const mode = (second?.text ?? 'direction') as Mode;
    const negated = first.text.startsWith('!');
    const name = first.text
      .slice(negated ? 1 : 0)
      .trim()
      .toLowerCase();
    rule.protocolTests++;
    if (name === 'failed') {
      rule.packetTests.push({
        matches: ({ appProtocolFailed, appProtocol }) =>
          negated ? appProtocol !== 0 && !appProtocolFailed : appProtocolFailed,
      });
      return;
    }
    if (name === 'unknown') {
      rule.packetTests.push({
        matches: ({ appProtocolFailed, appProtocol, hasFlow }) =>
          hasFlow && (appProtocol === 0 && !appProtocolFailed) !== negated,
      });
      return;
    }
    const { buffers } = rule.environment;
    const numbers =
      mode === 'exact'
        ? [buffers.protocolNumber(name)].filter((number) => number > 0)
        : buffers.protocolsOf(name);
    if (numbers.length === 0 && !RULE_PROTOCOLS.has(name)) {
      throw invalid(option, `"${name}" is no application protocol`, first.index + (negated ? 1 : 0));
    }
    const wanted = new Uint8Array(buffers.protocols.length + 1);
    for (const number of numbers) wanted[number] = 1;
    const among = (number: number) => wanted[number] === 1;
    const holds = (context: InspectionContext): boolean => {
      switch (mode) {
        case 'final':
        case 'exact':
          return among(context.appProtocol);
        case 'original':
          return among(context.originalProtocol || context.appProtocol);
        case 'either':
          return among(ofSide(context, 0)) || among(ofSide(context, 1));
        case 'to_server':
          return among(ofSide(context, 0));
        case 'to_client':
          return among(ofSide(context, 1));
        case 'direction':
          return among(ofSide(context, context.direction));
      }
    };
    rule.packetTests.push({
      matches(context) {
        if (!context.hasFlow) return false;
        const known = context.appProtocol !== 0 || context.appProtocolFailed;
        return known && holds(context) !== negated;
      },
    });
  },
};
