import type { Keyword } from '../keyword';
import { argumentsOf, invalid, required } from '../option-value';

/** Read by the rule parser: they say what a rule is called and how grave it is, not what it matches. */
export const information: Keyword = {
  names: ['msg', 'sid', 'rev', 'gid', 'classtype', 'priority', 'reference', 'metadata'],
  parse() {},
};

/** `target:src_ip|dest_ip`: which side is the victim; told with the alert. */
export const target: Keyword = {
  names: ['target'],
  parse(option, rule) {
    const side = required(option);
    if (side !== 'src_ip' && side !== 'dest_ip') throw invalid(option, 'is src_ip or dest_ip');
    rule.target = side;
  },
};

/** `tag:session|host,count,packets|bytes|seconds[,src|dst]`: checked; packets after the alert are not recorded. */
export const tag: Keyword = {
  names: ['tag'],
  parse(option) {
    const [kind, count, unit, side] = argumentsOf(option);
    if (kind.text !== 'session' && kind.text !== 'host') {
      throw invalid(option, `"${kind.text}" is neither session nor host`, kind.index);
    }
    if (count && !/^\d+$/.test(count.text))
      throw invalid(option, `"${count.text}" is not a number`, count.index);
    if (unit && !['packets', 'bytes', 'seconds'].includes(unit.text)) {
      throw invalid(option, `"${unit.text}" is not packets, bytes or seconds`, unit.index);
    }
    if (side && side.text !== 'src' && side.text !== 'dst') {
      throw invalid(option, `"${side.text}" is neither src nor dst`, side.index);
    }
  },
};
