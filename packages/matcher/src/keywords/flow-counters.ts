import type { RuleOption } from '@portcullis/rules';
import type { InspectionContext } from '../context';
import { type IntegerRange, integerComparison, rangeOf } from '../integer-range';
import { FlowFact, type Keyword } from '../keyword';
import { argumentsOf, invalid, required } from '../option-value';

const LARGEST_COUNT = 0xffffffffn;
/** Of a count of bytes: 64 bits in rules, as far as a flow's own count goes. */
const LARGEST_SIZE = BigInt(Number.MAX_SAFE_INTEGER);

function rangeFrom(option: RuleOption, maximum: bigint, text: string, index: number): IntegerRange {
  const comparison = integerComparison(option, maximum, text, index);
  if (!comparison) throw invalid(option, `"${text}" is not a number or a comparison`, index);
  return rangeOf(comparison);
}

/** `flow.age:>20`: seconds since the flow's first packet. */
const age: Keyword = {
  names: ['flow.age'],
  parse(option, rule) {
    const range = rangeFrom(option, LARGEST_COUNT, required(option), 0);
    rule.packetTests.push({
      asks: FlowFact.COUNTS,
      matches: ({ flowStartMicros, timeMicros }) =>
        flowStartMicros >= 0 && range.has(Math.floor(timeMicros / 1e6) - Math.floor(flowStartMicros / 1e6)),
    });
  },
};

/** `flow.pkts:toserver,>10` (or `toclient`, `either`, `both`), `flow.pkts_toserver:>10`. */
function counter(
  name: string,
  maximum: bigint,
  read: (context: InspectionContext) => readonly [number, number],
): Keyword[] {
  const add = (side: string, range: IntegerRange): ((context: InspectionContext) => boolean) | null => {
    switch (side) {
      case 'toserver':
        return (context) => range.has(read(context)[0]);
      case 'toclient':
        return (context) => range.has(read(context)[1]);
      case 'either':
        return (context) => range.has(read(context)[0]) || range.has(read(context)[1]);
      case 'both':
        return (context) => range.has(read(context)[0]) && range.has(read(context)[1]);
      default:
        return null;
    }
  };
  const bySide: Keyword = {
    names: [name],
    parse(option, rule) {
      const [side, number, extra] = argumentsOf(option);
      if (!number || extra) throw invalid(option, 'takes a side and a number');
      const matches = add(side.text, rangeFrom(option, maximum, number.text, number.index));
      if (!matches)
        throw invalid(option, `"${side.text}" is not toserver, toclient, either or both`, side.index);
      rule.packetTests.push({
        asks: FlowFact.COUNTS,
        matches: (context) => context.hasFlow && matches(context),
      });
    },
  };
  const one = (side: 'toserver' | 'toclient'): Keyword => ({
    names: [`${name}_${side}`],
    parse(option, rule) {
      const matches = add(side, rangeFrom(option, maximum, required(option), 0));
      rule.packetTests.push({
        asks: FlowFact.COUNTS,
        matches: (context) => context.hasFlow && matches?.(context) === true,
      });
    },
  });
  return [bySide, one('toserver'), one('toclient')];
}

export const flowCounters: readonly Keyword[] = [
  age,
  ...counter('flow.pkts', LARGEST_COUNT, ({ flowPackets }) => flowPackets),
  ...counter('flow.bytes', LARGEST_SIZE, ({ flowBytes }) => flowBytes),
];
