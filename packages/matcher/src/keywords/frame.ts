import type { Keyword } from '../keyword';
import { invalid, required } from '../option-value';

/**
 * `frame:[protocol.]name`: a part of a protocol's messages as it travelled. Protocols have it as a buffer named
 * `frame:protocol.name`; without a protocol that of the rule's header is meant.
 */
export const frame: Keyword = {
  names: ['frame'],
  parse(option, rule) {
    const name = required(option).trim().toLowerCase();
    const { buffers } = rule.environment;
    const full = [`frame:${name}`, `frame:${rule.rule.header.protocol}.${name}`].find((each) =>
      buffers.has(each),
    );
    if (full === undefined) throw invalid(option, `no protocol has a frame "${name.slice(0, 40)}"`);
    rule.openBuffer(option, full);
  },
};
