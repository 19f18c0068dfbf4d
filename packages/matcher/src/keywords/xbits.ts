import type { RuleOption } from '@portcullis/rules';
import type { InspectionContext } from '../context';
import { FlowMatchState } from '../flow-match-state';
import type { HostBitOwner } from '../host-bits';
import type { Keyword } from '../keyword';
import { nameHash } from '../name-hash';
import { type Argument, argumentsOf, integer, invalid } from '../option-value';
import type { RuleBuilder } from '../rule-builder';

const XBITS_EXPIRE = 30;
const HOSTBITS_EXPIRE = 300;
const LONGEST_EXPIRE = 0xffffffff;
const SECOND = 1e6;

/** One bit, wherever it is kept. */
interface Bit {
  /** It is asked of the addresses, not of the packet. */
  readonly ofHosts: boolean;
  has(context: InspectionContext): boolean;
  set(context: InspectionContext): boolean;
  unset(context: InspectionContext): void;
}

function hostBit(name: string, owner: HostBitOwner, seconds: number): Bit {
  const bit = nameHash(name);
  return {
    ofHosts: true,
    has: ({ hostBits, packet, timeMicros }) => hostBits.has(bit, owner, packet, timeMicros),
    set({ hostBits, packet, timeMicros }) {
      hostBits.set(bit, owner, packet, timeMicros, timeMicros + seconds * SECOND);
      return true;
    },
    unset: ({ hostBits, packet }) => hostBits.unset(bit, owner, packet),
  };
}

/** Where no transaction is looked at there is nothing to set. */
function transactionBit(name: number): Bit {
  return {
    ofHosts: false,
    has: ({ flowState, transactionId }) => flowState?.hasTransactionBit(transactionId, name) === true,
    set(context) {
      if (context.transactionId < 0) return true;
      context.flowState ??= new FlowMatchState();
      return context.flowState.setTransactionBit(context.transactionId, name);
    },
    unset: ({ flowState, transactionId }) => flowState?.unsetTransactionBit(transactionId, name),
  };
}

function addCommand(option: RuleOption, rule: RuleBuilder, command: Argument, bit: Bit): void {
  switch (command.text) {
    case 'isset':
      rule.packetTests.push({ ofAddresses: bit.ofHosts, matches: (context) => bit.has(context) });
      return;
    case 'isnotset':
      rule.packetTests.push({ ofAddresses: bit.ofHosts, matches: (context) => !bit.has(context) });
      return;
    case 'set':
      rule.effects.push({ apply: (context) => bit.set(context) });
      return;
    case 'unset':
      rule.effects.push({
        apply(context) {
          bit.unset(context);
          return true;
        },
      });
      return;
    case 'toggle':
      rule.effects.push({
        apply(context) {
          if (!bit.has(context)) return bit.set(context);
          bit.unset(context);
          return true;
        },
      });
      return;
    default:
      throw invalid(option, `unknown command "${command.text}"`, command.index);
  }
}

/** @returns true where the option is just `noalert` */
function takeNoAlert(option: RuleOption, rule: RuleBuilder, command: Argument, name: Argument | undefined) {
  if (command.text !== 'noalert') return false;
  if (name) throw invalid(option, '"noalert" takes no name', name.index);
  rule.noAlert = true;
  return true;
}

function nameOf(option: RuleOption, name: Argument | undefined): string {
  if (!name || name.text === '') throw invalid(option, 'needs a name');
  if (/\s/.test(name.text)) throw invalid(option, `"${name.text}" cannot be a name`, name.index);
  return name.text;
}

const OWNERS: ReadonlyMap<string, HostBitOwner> = new Map([
  ['ip_src', 'source'],
  ['ip_dst', 'destination'],
  ['ip_pair', 'pair'],
]);

/** `xbits:set|unset|isset|isnotset|toggle,name,track ip_src|ip_dst|ip_pair|tx[,expire seconds]`, `xbits:noalert` */
export const xbits: Keyword = {
  names: ['xbits'],
  parse(option, rule) {
    const [command, name, ...words] = argumentsOf(option);
    if (takeNoAlert(option, rule, command, name)) return;
    const text = nameOf(option, name);
    let track: Argument | null = null;
    let seconds = 0;
    for (const { text: word, index } of words) {
      const form = /^(track|expire)\s+(\S+)$/.exec(word);
      if (!form) throw invalid(option, `unknown word "${word}"`, index);
      const value = { text: form[2], index: index + word.length - form[2].length };
      if (form[1] === 'track') {
        if (track !== null) throw invalid(option, '"track" stands twice', index);
        track = value;
      } else {
        if (seconds > 0) throw invalid(option, '"expire" stands twice', index);
        seconds = integer(option, value, 1, LONGEST_EXPIRE);
      }
    }
    if (track === null) throw invalid(option, 'needs "track"');
    if (track.text === 'tx') {
      if (seconds > 0) throw invalid(option, 'bits of a transaction do not expire', track.index);
      addCommand(option, rule, command, transactionBit(rule.environment.names.intern(`host ${text}`)));
      return;
    }
    const owner = OWNERS.get(track.text);
    if (!owner) throw invalid(option, `cannot track "${track.text}"`, track.index);
    addCommand(option, rule, command, hostBit(text, owner, seconds || XBITS_EXPIRE));
  },
};

/** `hostbits:set|unset|isset|isnotset|toggle,name[,src|dst]`, `hostbits:noalert` */
export const hostbits: Keyword = {
  names: ['hostbits'],
  parse(option, rule) {
    const [command, name, side, extra] = argumentsOf(option);
    if (takeNoAlert(option, rule, command, name)) return;
    if (extra) throw invalid(option, 'takes a command, a name and a side', extra.index);
    const text = nameOf(option, name);
    if (side && side.text !== 'src' && side.text !== 'dst') {
      throw invalid(option, `"${side.text}" is neither src nor dst`, side.index);
    }
    const owner = side?.text === 'dst' ? 'destination' : 'source';
    addCommand(option, rule, command, hostBit(text, owner, HOSTBITS_EXPIRE));
  },
};
