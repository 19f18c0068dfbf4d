import { PROTOCOL_ALIASES } from '../buffer-names';
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
    const { protocol } = rule.rule.header;
    const full = [name, ...namesOf(protocol).map((each) => `${each}.${name}`)]
      .map((each) => `frame:${each}`)
      .find((each) => buffers.has(each));
    if (full === undefined) throw invalid(option, `no protocol has a frame "${name.slice(0, 40)}"`);
    rule.openBuffer(option, full);
  },
};

function namesOf(protocol: string): readonly string[] {
  return [protocol, ...(PROTOCOL_ALIASES.get(protocol) ?? [])];
}
