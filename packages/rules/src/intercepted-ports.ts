import type { AddressExpression, PortExpression, Rule } from './ast';
import { EVERY_PORT, mergePorts, type PortRange } from './port';
import { RULE_PROTOCOLS } from './protocols';

/** The TCP ports of the protected side that rules look at. */
export interface InterceptedPorts {
  /** Sorted and disjoint. */
  readonly ranges: readonly PortRange[];
  /** The sids of the rules that widen it to all ports because theirs is `any`. */
  readonly anyPortRules: readonly number[];
  /** Without those rules, and without the ones whose ports are nearly all or too many to be meant one by one. */
  readonly named: readonly PortRange[];
}

/** More ports than this in one rule are a part of the range of ports, and not named. */
const MOST_NAMED = 1024;

/** `flow:to_client` or `flow:from_server`: the rule looks at replies. */
function looksAtReplies(rule: Rule): boolean {
  // Most rules do not have the words anywhere, and reading the options of all of them takes a while.
  if (!/to_client|from_server/i.test(rule.text)) return false;
  return rule.options.some(
    ({ keyword, value }) =>
      keyword === 'flow' && value !== null && /\b(?:to_client|from_server)\b/i.test(value),
  );
}

/**
 * The union of the ports under which protected hosts are reached in the rules for TCP and for protocols over TCP:
 * destination ports, and source ports where the rule looks at replies or goes both ways.
 * @param isProtected whether an address expression holds an address of the protected side
 */
export function interceptedPorts(
  rules: Iterable<Rule>,
  isProtected: (addresses: AddressExpression) => boolean,
): InterceptedPorts {
  const ranges: PortRange[] = [];
  const named: PortRange[] = [];
  const seen = new Set<PortExpression>();
  const anyPortRules: number[] = [];
  const answers = new Map<AddressExpression, boolean>();
  const protects = (addresses: AddressExpression): boolean => {
    let answer = answers.get(addresses);
    if (answer === undefined) {
      answer = isProtected(addresses);
      answers.set(addresses, answer);
    }
    return answer;
  };
  for (const rule of rules) {
    const { header } = rule;
    if (header.action === 'pass' || !RULE_PROTOCOLS.get(header.protocol)?.includes('tcp')) continue;
    const replies = looksAtReplies(rule);
    const sides: PortExpression[] = [];
    if ((!replies || header.direction === '<>') && protects(header.destination))
      sides.push(header.destinationPorts);
    if ((replies || header.direction === '<>') && protects(header.source)) sides.push(header.sourcePorts);
    if (sides.some((ports) => ports.any)) anyPortRules.push(rule.sid);
    for (const ports of sides) {
      if (seen.has(ports)) continue;
      seen.add(ports);
      ranges.push(...ports.ranges);
      if (portCount(ports.ranges) <= MOST_NAMED) named.push(...ports.ranges);
    }
  }
  return {
    ranges: anyPortRules.length > 0 ? EVERY_PORT : mergePorts(ranges),
    anyPortRules,
    named: mergePorts(named),
  };
}

function portCount(ranges: readonly PortRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}
