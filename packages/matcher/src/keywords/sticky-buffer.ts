import type { BufferCatalog } from '../buffer-catalog';
import { CONTENT_MODIFIERS, currentName } from '../buffer-names';
import type { Keyword } from '../keyword';
import { invalid, withoutValue } from '../option-value';
import { integerBuffer } from './integer-buffer';

/** `pkt_data`: back to the payload. */
export const packetData: Keyword = {
  names: ['pkt_data'],
  parse(option, rule) {
    withoutValue(option);
    rule.openPayload();
  },
};

const sticky: Keyword = {
  names: [],
  parse(option, rule) {
    const { side, value } = rule.takeSide(option);
    if (value !== '') throw invalid(option, 'takes no value');
    rule.openBuffer(option, currentName(option.keyword), side);
  },
};

const contentModifier: Keyword = {
  names: [],
  parse(option, rule) {
    withoutValue(option);
    rule.moveLastContent(option, CONTENT_MODIFIERS.get(option.keyword) as string);
  },
};

/** @returns the keyword behind the name of a buffer, old or new; undefined where no protocol has such a buffer */
export function bufferKeyword(name: string, buffers: BufferCatalog): Keyword | undefined {
  const modified = CONTENT_MODIFIERS.get(name);
  if (modified !== undefined) return buffers.has(modified) ? contentModifier : undefined;
  const current = currentName(name);
  if (!buffers.has(current)) return undefined;
  return buffers.integer(current) ? integerBuffer : sticky;
}
