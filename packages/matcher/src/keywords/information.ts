import type { Keyword } from '../keyword';
import { argumentsOf, integer, invalid, required, withoutValue } from '../option-value';
import type { TagSettings } from '../tag-settings';

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

const LARGEST_TAG = 0xffffffff;
/** Of `tag:session` without a number. */
const DEFAULT_TAG_PACKETS = 64;

/** `tag:session|host,count,packets|bytes|seconds[,src|dst]`: which packets after the alert are wanted. */
export const tag: Keyword = {
  names: ['tag'],
  parse(option, rule) {
    const [kind, count, unit, side] = argumentsOf(option);
    if (kind.text !== 'session' && kind.text !== 'host') {
      throw invalid(option, `"${kind.text}" is neither session nor host`, kind.index);
    }
    const number = count ? integer(option, count, 1, LARGEST_TAG) : DEFAULT_TAG_PACKETS;
    if (unit && unit.text !== 'packets' && unit.text !== 'bytes' && unit.text !== 'seconds') {
      throw invalid(option, `"${unit.text}" is not packets, bytes or seconds`, unit.index);
    }
    if (side && side.text !== 'src' && side.text !== 'dst') {
      throw invalid(option, `"${side.text}" is neither src nor dst`, side.index);
    }
    if (kind.text === 'host' && !side) throw invalid(option, '"host" needs src or dst');
    rule.tag = {
      kind: kind.text,
      count: number,
      unit: (unit?.text ?? 'packets') as TagSettings['unit'],
      side: (side?.text ?? 'src') as TagSettings['side'],
    };
  },
};

/** Accepted, and without effect on what matches: what they ask for is not this engine's to do. */
export const accepted: Keyword = {
  names: ['bypass', 'config', 'filestore', 'nfq_set_mark'],
  parse() {},
};

/** `requires:version >= 8, keyword x`: was asked of the rule before anything else of it was read. */
export const requires: Keyword = {
  names: ['requires'],
  parse(option) {
    required(option);
  },
};

/** `prefilter`: the keyword before it is to be looked at first. How rules are found is this engine's own choice. */
export const prefilter: Keyword = {
  names: ['prefilter'],
  parse(option, rule) {
    withoutValue(option);
    if (rule.rule.options[0] === option || rule.rule.options.length < 2) {
      throw invalid(option, 'needs a keyword before it');
    }
  },
};

const SCRIPTS = 'scripts are not run by this engine';

/** Keywords that are known and that no rule can have here. */
export const REFUSED_KEYWORDS: ReadonlyMap<string, string> = new Map([
  ['lua', SCRIPTS],
  ['luajit', SCRIPTS],
  ['luaxform', SCRIPTS],
  ['filemagic', 'file types are not told by libmagic here'],
  ['file.magic', 'file types are not told by libmagic here'],
  ['replace', 'payloads are not rewritten by this engine'],
]);

export const refused: Keyword = {
  names: [...REFUSED_KEYWORDS.keys()],
  parse(option) {
    throw invalid(option, REFUSED_KEYWORDS.get(option.keyword) as string);
  },
};
