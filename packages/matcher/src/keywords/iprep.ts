import type { InspectionContext } from '../context';
import { type IntegerRange, integerRange } from '../integer-range';
import type { Keyword } from '../keyword';
import { MAX_SCORE } from '../lists/ip-reputation';
import { argumentsOf, invalid } from '../option-value';

const SIDES: readonly string[] = ['any', 'src', 'dst', 'both'];

/** `iprep:any|src|dst|both,category,>|<|=,N`, `iprep:side,category,isset|isnotset`: what is known of the addresses. */
export const iprep: Keyword = {
  names: ['iprep'],
  parse(option, rule) {
    const { reputation } = rule.environment;
    if (reputation === null) throw invalid(option, 'no reputation files are configured');
    const [side, category, ...condition] = argumentsOf(option);
    if (!SIDES.includes(side.text))
      throw invalid(option, `"${side.text}" is not any, src, dst or both`, side.index);
    if (!category || condition.length === 0 || condition.length > 2) {
      throw invalid(option, 'takes a side, a category and a condition');
    }
    const number = reputation.category(category.text);
    if (number === 0) throw invalid(option, `there is no category "${category.text}"`, category.index);
    const [first, second] = condition;
    let range: IntegerRange | null = null;
    let wanted = true;
    if (first.text === 'isset' || first.text === 'isnotset') {
      if (second) throw invalid(option, `"${first.text}" takes no number`, second.index);
      wanted = first.text === 'isset';
    } else {
      range = integerRange(option, MAX_SCORE, condition.map(({ text }) => text).join(''), first.index);
    }
    const holds = (address: Uint32Array): boolean => {
      const score = reputation.score(address, number);
      return range === null ? score > 0 === wanted : score > 0 && range.has(score);
    };
    const source = ({ packet }: InspectionContext) => holds(packet.source);
    const destination = ({ packet }: InspectionContext) => holds(packet.destination);
    rule.packetTests.push({
      ofAddresses: true,
      matches(context) {
        switch (side.text) {
          case 'src':
            return source(context);
          case 'dst':
            return destination(context);
          case 'both':
            return source(context) && destination(context);
          default:
            return source(context) || destination(context);
        }
      },
    });
  },
};
