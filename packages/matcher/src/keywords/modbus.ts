import { ACCESS_TARGETS, ModbusAccess, ModbusCategory, ModbusLayout } from '@portcullis/protocols';
import type { RuleOption } from '@portcullis/rules';
import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Keyword } from '../keyword';
import { invalid, required } from '../option-value';

const L = ModbusLayout;
const LARGEST = 0xffff;

/** The form of every number here: `5`, `<5`, `>5`, `2<>5` with both ends left out. */
const NUMBER = '([<>]?)(\\d{1,5})(?:<>(\\d{1,5}))?';
const UNIT = new RegExp(`^\\s*unit\\s+${NUMBER}(?:,(.*))?$`);
const FUNCTION = /^\s*function\s*(!?[A-Za-z0-9]+)(?:,\s*subfunction\s+(\d{1,5}))?\s*$/;
const ACCESS = new RegExp(
  `^\\s*access\\s*(read|write)\\s*(discretes|coils|input|holding)?` +
    `(?:,\\s*address\\s+${NUMBER}(?:,\\s*value\\s+${NUMBER})?)?\\s*$`,
);

const CATEGORIES: ReadonlyMap<string, number> = new Map([
  ['assigned', ModbusCategory.ASSIGNED],
  ['unassigned', ModbusCategory.UNASSIGNED],
  ['public', ModbusCategory.ASSIGNED | ModbusCategory.UNASSIGNED],
  ['user', ModbusCategory.USER],
  ['reserved', ModbusCategory.RESERVED],
  ['all', 15],
]);
const TARGETS: ReadonlyMap<string, number> = new Map([
  ['discretes', ModbusAccess.DISCRETES],
  ['coils', ModbusAccess.COILS],
  ['input', ModbusAccess.INPUT],
  ['holding', ModbusAccess.HOLDING],
]);

/** Numbers from `low` to `high`. */
interface Range {
  readonly low: number;
  readonly high: number;
  /** It is one number, not the part of a range. */
  readonly single: boolean;
}

function range(option: RuleOption, sign: string, first: string, second: string | undefined): Range {
  const number = (text: string) => {
    if (Number(text) > LARGEST) throw invalid(option, `${text} is larger than ${LARGEST}`);
    return Number(text);
  };
  const value = number(first);
  if (second !== undefined) {
    if (sign !== '') throw invalid(option, 'a range has no sign');
    return { low: value + 1, high: number(second) - 1, single: false };
  }
  if (sign === '<') return { low: 0, high: value - 1, single: false };
  if (sign === '>') return { low: value + 1, high: LARGEST, single: false };
  return { low: value, high: value, single: true };
}

/** What a rule asks of a request. */
interface Conditions {
  unit: Range | null;
  /** 0: not asked. */
  function: number;
  subfunction: number | null;
  category: number;
  /** READ or WRITE, and what is reached; 0: not asked. */
  access: number;
  address: Range | null;
  value: Range | null;
}

class ModbusStep extends BufferStep {
  constructor(private readonly wanted: Conditions) {
    super();
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    return this.holds(evaluation.bytes, evaluation.start, evaluation.end) ? evaluation.run(at + 1) : -1;
  }

  private holds(bytes: Uint8Array, start: number, end: number): boolean {
    const { wanted } = this;
    if (end - start < L.WRITTEN) return false;
    if (wanted.unit !== null && !within(wanted.unit, bytes[start + L.UNIT])) return false;
    if (wanted.access !== 0) return this.accesses(bytes, start, end);
    if (wanted.category !== 0) return (bytes[start + L.CATEGORY] & wanted.category) !== 0;
    if (wanted.function === 0) return true;
    if (bytes[start + L.FUNCTION] !== wanted.function) return false;
    if (wanted.subfunction === null) return true;
    return (
      bytes[start + L.HAS_SUBFUNCTION] === 1 && word(bytes, start + L.SUBFUNCTION) === wanted.subfunction
    );
  }

  private accesses(bytes: Uint8Array, start: number, end: number): boolean {
    const { access, address, value } = this.wanted;
    const has = bytes[start + L.ACCESS];
    const target = access & ACCESS_TARGETS;
    if ((has & access & ~ACCESS_TARGETS) === 0 || (target !== 0 && (has & target) === 0)) return false;
    if (address === null) return true;
    const first = word(bytes, start + L.FIRST_ADDRESS);
    const last = word(bytes, start + L.LAST_ADDRESS);
    if (first === 0 || address.low > last || address.high < first) return false;
    if (value === null) return true;
    const written = writtenAt(bytes, start, end, address.low);
    return written >= 0 && within(value, written);
  }
}

/** The value that is written to an address, below 0 where none is. */
function writtenAt(bytes: Uint8Array, start: number, end: number, address: number): number {
  const access = bytes[start + L.ACCESS];
  const place = address - word(bytes, start + L.WRITTEN_ADDRESS);
  const data = start + L.WRITTEN;
  const coils = (access & ModbusAccess.COILS) !== 0;
  if ((access & ModbusAccess.SINGLE) !== 0) {
    if (data + 2 > end) return -1;
    const value = word(bytes, data);
    return coils ? Number(value !== 0) : value;
  }
  if ((access & ModbusAccess.MULTIPLE) === 0 || place < 0) return -1;
  if (!coils) return data + 2 * place + 2 > end ? -1 : word(bytes, data + 2 * place);
  const at = data + (place >> 3);
  return at >= end ? -1 : (bytes[at] >> (place & 7)) & 1;
}

function within({ low, high }: Range, value: number): boolean {
  return value >= low && value <= high;
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

function readFunction(option: RuleOption, text: string, wanted: Conditions): boolean {
  const found = FUNCTION.exec(text);
  if (found === null) return false;
  const [, name, subfunction] = found;
  if (/^\d+$/.test(name)) {
    wanted.function = Number(name);
    if (wanted.function < 1 || wanted.function > 255) throw invalid(option, `there is no function ${name}`);
    if (subfunction !== undefined) wanted.subfunction = range(option, '', subfunction, undefined).low;
    return true;
  }
  const negated = name.startsWith('!');
  const category = CATEGORIES.get(negated ? name.slice(1) : name);
  if (category === undefined) throw invalid(option, `"${name}" is neither a function nor a category`);
  wanted.category = negated ? 255 & ~category : category;
  return true;
}

function readAccess(option: RuleOption, text: string, wanted: Conditions): boolean {
  const found = ACCESS.exec(text);
  if (found === null) return false;
  const [, kind, target, sign, first, second, valueSign, valueFirst, valueSecond] = found;
  const writes = kind === 'write';
  if (writes && (target === 'discretes' || target === 'input'))
    throw invalid(option, `${target} are only read`);
  wanted.access = (writes ? ModbusAccess.WRITE : ModbusAccess.READ) | (TARGETS.get(target) ?? 0);
  if (first === undefined) return true;
  wanted.address = range(option, sign, first, second);
  if (valueFirst === undefined) return true;
  if (!wanted.address.single) throw invalid(option, 'a value goes with one address');
  if (!writes) throw invalid(option, 'a value goes with write access');
  wanted.value = range(option, valueSign, valueFirst, valueSecond);
  return true;
}

/**
 * `modbus: [unit N,] function N|category[, subfunction N]` and `modbus: [unit N,] access read|write [discretes|coils|
 * input|holding][, address N[, value N]]`: what a request does.
 */
export const modbus: Keyword = {
  names: ['modbus'],
  parse(option, rule) {
    const wanted: Conditions = {
      unit: null,
      function: 0,
      subfunction: null,
      category: 0,
      access: 0,
      address: null,
      value: null,
    };
    let text = required(option)
      .trim()
      .replace(/^"(.*)"$/s, '$1');
    const unit = UNIT.exec(text);
    if (unit !== null) {
      wanted.unit = range(option, unit[1], unit[2], unit[3]);
      text = unit[4] ?? '';
    }
    const understood =
      (unit !== null && text.trim() === '') ||
      readFunction(option, text, wanted) ||
      readAccess(option, text, wanted);
    if (!understood) throw invalid(option, 'is neither a unit, a function nor an access');
    rule.requireProtocol('modbus');
    rule.addTo(option, 'modbus', new ModbusStep(wanted));
  },
};
