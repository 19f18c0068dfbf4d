import type { Keyword } from '../keyword';
import { invalid, required } from '../option-value';
import { IntegerStep } from './integer-buffer';

const YES = new Set(['yes', 'on', 'true', '1']);
const NO = new Set(['no', 'off', 'false', '0']);

/** `ftp.reply_received:yes|no`: the last reply to a command is there, or has been begun without or not come at all. */
export const ftpReplyReceived: Keyword = {
  names: ['ftp.reply_received'],
  parse(option, rule) {
    const value = required(option).trim().toLowerCase();
    if (!YES.has(value) && !NO.has(value))
      throw invalid(option, `"${value.slice(0, 40)}" is neither yes nor no`);
    const buffer = YES.has(value) ? 'ftp.reply_received' : 'ftp.reply_pending';
    rule.addTo(option, buffer, new IntegerStep({ operator: '=', value: 1n, upper: 1n }));
  },
};
