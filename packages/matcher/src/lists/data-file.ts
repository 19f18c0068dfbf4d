import type { RuleOption } from '@portcullis/rules';
import type { DataType } from './data-set';
import { valueOfText } from './data-values';
import { ListError, type ListFiles, linesOf } from './list-files';
import type { ValueTable, ValueTableBuilder } from './value-table';

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

const LARGEST_REPUTATION = 65_535;

/** The values of a file. @throws RuleError with the line of the file that is wrong, and what `files` throws */
export function valuesOfFile(
  option: RuleOption,
  files: ListFiles,
  path: string,
  form: DataFileForm,
): ValueTable {
  const { type, format, reputations, optional } = form;
  const parts = [type, format, form.keys.value, form.keys.array, reputations];
  return files.table(option, { path, form: JSON.stringify(parts), optional }, (text, table) => {
    if (text === '' && optional) return;
    if (format === 'csv') addPlainValues(path, text, form, table);
    else addJsonValues(path, text, form, table);
  });
}

function addPlainValues(
  path: string,
  text: string,
  { type, reputations }: DataFileForm,
  table: ValueTableBuilder,
): void {
  for (const { number, line } of linesOf(text)) {
    const [written, score = ''] = line.split(',', 2);
    const value = valueOfText(type, written.trim());
    if (value === null) throw new ListError(`${path}:${number} is not a value of type ${type}`);
    const reputation = Number(score.trim());
    if (reputations && (!/^\d{1,5}$/.test(score.trim()) || reputation > LARGEST_REPUTATION)) {
      throw new ListError(
        `${path}:${number} needs a reputation from 0 to ${LARGEST_REPUTATION} behind a comma`,
      );
    }
    table.add(value, reputations ? reputation : 0);
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

function addJsonValues(
  path: string,
  text: string,
  { type, format, keys }: DataFileForm,
  table: ValueTableBuilder,
): void {
  const { value: valueKey, array } = keys;
  if (valueKey === null) throw new ListError(`format ${format} needs "value_key"`);
  const parse = (json: string, place: string): unknown => {
    try {
      return JSON.parse(json);
    } catch {
      throw new ListError(`${place} is not JSON`);
    }
  };
  let objects: unknown[];
  if (format === 'json') {
    const whole = parse(text, path);
    const list = array === null ? whole : at(whole, array);
    if (!Array.isArray(list))
      throw new ListError(`${path} has no array${array === null ? '' : ` at ${array}`}`);
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
    if (value === null) throw new ListError(`${path}, object ${i + 1}, has no ${type} at ${valueKey}`);
    table.add(value);
  }
}
