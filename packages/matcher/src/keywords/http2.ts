import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import { type IntegerRange, integerRange } from '../integer-range';
import type { Keyword } from '../keyword';
import { invalid, required } from '../option-value';

/** A row of the buffer `http2.settings`: 2 bytes identifier, 4 bytes value, both big-endian. */
const ROW = 6;
const LARGEST_VALUE = 0xffffffff;

const SETTINGS: ReadonlyMap<string, number> = new Map([
  ['SETTINGS_HEADER_TABLE_SIZE', 1],
  ['SETTINGS_ENABLE_PUSH', 2],
  ['SETTINGS_MAX_CONCURRENT_STREAMS', 3],
  ['SETTINGS_INITIAL_WINDOW_SIZE', 4],
  ['SETTINGS_MAX_FRAME_SIZE', 5],
  ['SETTINGS_MAX_HEADER_LIST_SIZE', 6],
]);

class SettingStep extends BufferStep {
  /** @param values null: any */
  constructor(
    private readonly setting: number,
    private readonly values: IntegerRange | null,
  ) {
    super();
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const { bytes, start, end } = evaluation;
    for (let row = start; row + ROW <= end; row += ROW) {
      if (((bytes[row] << 8) | bytes[row + 1]) !== this.setting) continue;
      const high = (bytes[row + 2] << 8) | bytes[row + 3];
      const low = (bytes[row + 4] << 8) | bytes[row + 5];
      if (this.values === null || this.values.has(high * 0x10000 + low)) return evaluation.run(at + 1);
    }
    return -1;
  }
}

/** `http2.settings:SETTINGS_ENABLE_PUSH=0`, `http2.settings:SETTINGS_HEADER_TABLE_SIZE >4096`, or a name alone. */
const settings: Keyword = {
  names: ['http2.settings'],
  parse(option, rule) {
    const parts = /^\s*([A-Za-z_]+)\s*(.*?)\s*$/s.exec(required(option));
    const setting = parts === null ? undefined : SETTINGS.get(parts[1].toUpperCase());
    if (parts === null || setting === undefined) throw invalid(option, 'needs the name of a setting');
    const at = (option.value as string).indexOf(parts[2], parts[1].length);
    const values = parts[2] === '' ? null : integerRange(option, LARGEST_VALUE, parts[2], at);
    rule.addTo(option, 'http2.settings', new SettingStep(setting, values));
  },
};

export const http2: readonly Keyword[] = [settings];
