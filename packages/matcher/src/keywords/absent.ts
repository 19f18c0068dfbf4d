import type { Keyword } from '../keyword';
import { invalid } from '../option-value';

/** `absent`: there is no such buffer; `absent:or_else`: there is none, or what follows matches. */
export const absent: Keyword = {
  names: ['absent'],
  parse(option, rule) {
    if (option.value !== null && option.value !== '' && option.value !== 'or_else') {
      throw invalid(option, 'takes "or_else" or nothing');
    }
    if (rule.inPayload) throw invalid(option, 'needs a sticky buffer before it');
    rule.setOccurrences(option, { kind: option.value === 'or_else' ? 'any-or-absent' : 'absent' });
  },
};
