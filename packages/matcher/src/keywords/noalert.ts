import type { Keyword } from '../keyword';
import { withoutValue } from '../option-value';

export const noalert: Keyword = {
  names: ['noalert'],
  parse(option, rule) {
    withoutValue(option);
    rule.noAlert = true;
  },
};

/** `alert`: tells of the match where the action (`pass`) would not. */
export const alert: Keyword = {
  names: ['alert'],
  parse(option, rule) {
    withoutValue(option);
    rule.alwaysAlert = true;
  },
};
