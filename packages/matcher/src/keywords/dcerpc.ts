import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import { IntegerRange, integerRange } from '../integer-range';
import type { Keyword } from '../keyword';
import { argumentsOf, integer, invalid } from '../option-value';

/** A row of the buffer `dcerpc.iface`: 16 bytes UUID, 2 bytes version, 1 byte of flags (see the protocol's buffers). */
const ROW = 19;
const VERSION = 16;
const FLAGS = 18;
const FIRST_FRAGMENT = 1;

const LARGEST_VERSION = 0xffff;
const LARGEST_OPNUM = 0xffff;

class InterfaceStep extends BufferStep {
  constructor(
    private readonly uuid: Uint8Array,
    private readonly version: IntegerRange | null,
    private readonly anyFragment: boolean,
  ) {
    super();
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const { bytes, start, end } = evaluation;
    for (let row = start; row + ROW <= end; row += ROW) {
      if (this.matches(bytes, row)) return evaluation.run(at + 1);
    }
    return -1;
  }

  private matches(bytes: Uint8Array, row: number): boolean {
    const { uuid, version } = this;
    if (!this.anyFragment && (bytes[row + FLAGS] & FIRST_FRAGMENT) === 0) return false;
    for (let i = 0; i < uuid.length; i++) if (bytes[row + i] !== uuid[i]) return false;
    return version === null || version.has((bytes[row + VERSION] << 8) | bytes[row + VERSION + 1]);
  }
}

/** `dcerpc.iface:<uuid>[,[<|>|=|!]version][,any_frag]`: the interface that a call's context stands for. */
const iface: Keyword = {
  names: ['dcerpc.iface', 'dce_iface'],
  parse(option, rule) {
    const [name, ...rest] = argumentsOf(option);
    const hex = name.text.replaceAll('-', '');
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name.text))
      throw invalid(option, `"${name.text.slice(0, 40)}" is not a UUID`, name.index);
    let version: IntegerRange | null = null;
    let anyFragment = false;
    for (const part of rest) {
      if (part.text === 'any_frag' && !anyFragment) anyFragment = true;
      else if (version === null && !anyFragment)
        version = integerRange(option, LARGEST_VERSION, part.text, part.index);
      else throw invalid(option, `"${part.text.slice(0, 40)}" cannot stand here`, part.index);
    }
    rule.addTo(option, 'dcerpc.iface', new InterfaceStep(Buffer.from(hex, 'hex'), version, anyFragment));
  },
};

class OpnumStep extends BufferStep {
  constructor(private readonly ranges: readonly IntegerRange[]) {
    super();
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const { bytes, start, end } = evaluation;
    if (end - start !== 2) return -1;
    const opnum = (bytes[start] << 8) | bytes[start + 1];
    for (const range of this.ranges) if (range.has(opnum)) return evaluation.run(at + 1);
    return -1;
  }
}

/** `dcerpc.opnum:<list of numbers and ranges, both ends included>` or one comparison. */
const opnum: Keyword = {
  names: ['dcerpc.opnum', 'dce_opnum'],
  parse(option, rule) {
    const parts = argumentsOf(option);
    const ranges = parts.map((part) => {
      if (parts.length === 1 && /^[<>!=&]/.test(part.text))
        return integerRange(option, LARGEST_OPNUM, part.text, part.index);
      const ends = /^(\d{1,6})\s*(?:-\s*(\d{1,6}))?$/.exec(part.text);
      if (!ends)
        throw invalid(option, `"${part.text.slice(0, 40)}" is neither a number nor a range`, part.index);
      const low = integer(option, { text: ends[1], index: part.index }, 0, LARGEST_OPNUM);
      const high = integer(option, { text: ends[2] ?? ends[1], index: part.index }, 0, LARGEST_OPNUM);
      if (high < low) throw invalid(option, `${part.text} ends before it begins`, part.index);
      return new IntegerRange(low, high, false);
    });
    rule.addTo(option, 'dcerpc.opnum', new OpnumStep(ranges));
  },
};

export const dcerpc: readonly Keyword[] = [iface, opnum];
