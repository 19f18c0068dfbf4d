import type { Keyword } from '../keyword';
import { invalid, required } from '../option-value';
import { LAST_STATE, protocolState } from '../protocol-states';

const FORM = /^(<=|>=|<|>|!|=)?\s*([a-z][\w.-]*)$/i;
const ALL = (2 << LAST_STATE) - 1;

/** @returns bits of the states that compare so to the one of the number `progress` */
function statesThat(operator: string, progress: number): number {
  const below = (1 << progress) - 1;
  const own = 1 << progress;
  switch (operator) {
    case '<':
      return below;
    case '<=':
      return below | own;
    case '>':
      return ALL & ~(below | own);
    case '>=':
      return ALL & ~below;
    case '!':
      return ALL & ~own;
    default:
      return own;
  }
}

/**
 * `app-layer-state:[<|<=|>|>=|!]state`: the transaction is in that state of the header's protocol, or was since it was
 * last looked at; the state's name tells the direction.
 */
export const appLayerState: Keyword = {
  names: ['app-layer-state'],
  parse(option, rule) {
    const form = FORM.exec(required(option).trim());
    if (form === null) throw invalid(option, 'takes a state, with a comparison before it or without');
    const { protocol } = rule.rule.header;
    const state = protocolState(rule.environment.buffers, protocol, form[2].toLowerCase());
    if (state === undefined)
      throw invalid(option, `protocol ${protocol} has no state "${form[2].slice(0, 40)}"`);
    const states = statesThat(form[1] ?? '', state.progress);
    if (states === 0) throw invalid(option, 'there is no state before that');
    rule.addStates(option, states, state);
  },
};
