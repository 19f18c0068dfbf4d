import type { RuleOption } from '@portcullis/rules';
import { invalid } from '../option-value';
import type { DataType } from './data-set';
import { valueOfText } from './data-values';
import type { ListFiles } from './list-files';

export interface DataFileForm {
  readonly type: DataType;
  /** `csv` is Suricata's plain form, one value a line; the others are JSON. */
  readonly format: string;
  /** Where the value stands in a JSON object, and the array of objects in the file; parts are joined by dots. */
  readonly keys: { readonly value: string | null; readonly array: string | null };
  /** Each value has a reputation behind a comma. */
  readonly reputations: boolean;
  /** The file may be missing. */
  readonly optional: boolean;
}

export interface DataEntry {
  readonly value: string;
  readonly reputation: number;
}

const LARGEST_REPUTATION = 65_535;

/** @throws RuleError with the line of the file that is wrong */
export function* valuesOfFile(
  option: RuleOption,
  files: ListFiles,
  path: string,
  form: DataFileForm,
): Generator<DataEntry> {
  if (form.optional && !files.exists(path)) return;
  const text = files.read(option, path);
  if (form.format === 'csv') yield* plainValues(option, path, text, form);
  else yield* jsonValues(option, path, text, form);
}

function* plainValues(
  option: RuleOption,
  path: string,
  text: string,
  { type, reputations }: DataFileForm,
): Generator<DataEntry> {
  let number = 0;
  for (const raw of text.split('\n')) {
    number++;
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const [written, score = ''] = line.split(',', 2);
    const value = valueOfText(type, written.trim());
    if (value === null) throw invalid(option, `${path}:${number} is not a value of type ${type}`);
    const reputation = Number(score.trim());
    if (reputations && (!/^\d{1,5}$/.test(score.trim()) || reputation > LARGEST_REPUTATION)) {
      throw invalid(
        option,
        `${path}:${number} needs a reputation from 0 to ${LARGEST_REPUTATION} behind a comma`,
      );
    }
    yield { value, reputation: reputations ? reputation : 0 };
  }
}

/** What stands at `a.b` of an object. */
function at(object: unknown, path: string): unknown {
  let found = object;
  for (const key of path.split('.')) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  return found;
}

function* jsonValues(
  option: RuleOption,
  path: string,
  text: string,
  { type, format, keys }: DataFileForm,
): Generator<DataEntry> {
  const { value: valueKey, array } = keys;
  if (valueKey === null) throw invalid(option, `format ${format} needs "value_key"`);
  const parse = (json: string, place: string): unknown => {
    try {
      return JSON.parse(json);
    } catch {
      throw invalid(option, `${place} is not JSON`);
    }
  };
  let objects: unknown[];
  if (format === 'json') {
    const whole = parse(text, path);
    const list = array === null ? whole : at(whole, array);
    if (!Array.isArray(list))
      throw invalid(option, `${path} has no array${array === null ? '' : ` at ${array}`}`);
    objects = list;
  } else {
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    objects = lines.map((line, i) => parse(line, `${path}, object ${i + 1},`));
  }
  for (const [i, object] of objects.entries()) {
    const written = at(object, valueKey);
    const value =
      typeof written !== 'string'
        ? null
        : type === 'string'
          ? Buffer.from(written, 'utf8').toString('latin1')
          : valueOfText(type, written);
    if (value === null) throw invalid(option, `${path}, object ${i + 1}, has no ${type} at ${valueKey}`);
    yield { value, reputation: 0 };
  }
}
