import { integerRange } from '../integer-range';
import type { Keyword } from '../keyword';
import { argumentsOf, invalid } from '../option-value';
import { PayloadMode } from '../rule-builder';

const LARGEST = 0xffffffff;

/** `stream_size:client|server|both|either,<op>,<bytes>`: how much either side has sent. */
export const streamSize: Keyword = {
  names: ['stream_size'],
  parse(option, rule) {
    const [side, operator, number] = argumentsOf(option);
    if (!operator || !number) throw invalid(option, 'needs a side, an operator and a number');
    if (!['=', '!=', '<', '<=', '>', '>='].includes(operator.text)) {
      throw invalid(option, `"${operator.text}" is not an operator`, operator.index);
    }
    const range = integerRange(option, LARGEST, `${operator.text}${number.text}`);
    const fits = (size: number) => size >= 0 && range.has(size);
    rule.payloadMode |= PayloadMode.PACKET;
    switch (side.text) {
      case 'client':
        rule.packetTests.push({ matches: ({ clientStreamSize }) => fits(clientStreamSize) });
        return;
      case 'server':
        rule.packetTests.push({ matches: ({ serverStreamSize }) => fits(serverStreamSize) });
        return;
      case 'both':
        rule.packetTests.push({
          matches: ({ clientStreamSize, serverStreamSize }) =>
            fits(clientStreamSize) && fits(serverStreamSize),
        });
        return;
      case 'either':
        rule.packetTests.push({
          matches: ({ clientStreamSize, serverStreamSize }) =>
            fits(clientStreamSize) || fits(serverStreamSize),
        });
        return;
      default:
        throw invalid(option, `"${side.text}" is not client, server, both or either`, side.index);
    }
  },
};
