import type { Keyword } from '../keyword';
import { withoutValue } from '../option-value';

export const noalert: Keyword = {
  names: ['noalert'],
  parse(option, rule) {
    withoutValue(option);
    rule.noAlert = true;
  },
};
