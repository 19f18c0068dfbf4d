import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Keyword } from '../keyword';
import { argumentsOf, integer, invalid, required } from '../option-value';

/** Internal indications (IEEE 1815-2012, clause 4.2.2.6) as bits of their two bytes, the first one high. */
const INDICATIONS: ReadonlyMap<string, number> = new Map([
  ['all_stations', 0x0100],
  ['class_1_events', 0x0200],
  ['class_2_events', 0x0400],
  ['class_3_events', 0x0800],
  ['need_time', 0x1000],
  ['local_control', 0x2000],
  ['device_trouble', 0x4000],
  ['device_restart', 0x8000],
  ['no_func_code_support', 0x0001],
  ['object_unknown', 0x0002],
  ['parameter_error', 0x0004],
  ['event_buffer_overflow', 0x0008],
  ['already_executing', 0x0010],
  ['config_corrupt', 0x0020],
  ['reserved_2', 0x0040],
  ['reserved_1', 0x0080],
]);

class IndicationStep extends BufferStep {
  constructor(private readonly bits: number) {
    super();
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const { bytes, start, end } = evaluation;
    if (end - start < 2) return -1;
    return (((bytes[start] << 8) | bytes[start + 1]) & this.bits) !== 0 ? evaluation.run(at + 1) : -1;
  }
}

/** `dnp3_ind:NAME[,NAME…]` or a number: a response with any of these internal indications. */
export const dnp3Indications: Keyword = {
  names: ['dnp3_ind', 'dnp3.ind'],
  parse(option, rule) {
    const text = required(option).trim();
    let bits = 0;
    if (/^(?:\d{1,5}|0x[0-9a-fA-F]{1,4})$/.test(text)) {
      bits = Number(text);
      if (bits > 0xffff) throw invalid(option, `${text} has more than 16 bits`);
    } else {
      for (const part of argumentsOf(option)) {
        const bit = INDICATIONS.get(part.text.toLowerCase());
        if (bit === undefined) throw invalid(option, `there is no indication "${part.text}"`, part.index);
        bits |= bit;
      }
    }
    rule.requireProtocol('dnp3');
    rule.addCondition('dnp3.ind', new IndicationStep(bits));
  },
};

class ObjectStep extends BufferStep {
  constructor(
    private readonly group: number,
    private readonly variation: number,
  ) {
    super();
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const { bytes, start, end } = evaluation;
    for (let i = start; i + 1 < end; i += 2) {
      if (bytes[i] === this.group && bytes[i + 1] === this.variation) return evaluation.run(at + 1);
    }
    return -1;
  }
}

/** `dnp3_obj:GROUP,VARIATION`: a message with such an object. */
export const dnp3Object: Keyword = {
  names: ['dnp3_obj', 'dnp3.obj'],
  parse(option, rule) {
    const parts = argumentsOf(option);
    if (parts.length !== 2) throw invalid(option, 'takes a group and a variation');
    const [group, variation] = parts.map((part) => integer(option, part, 0, 255));
    rule.requireProtocol('dnp3');
    rule.addCondition('dnp3.obj', new ObjectStep(group, variation));
  },
};
