import { parseQuoted, type RuleOption } from '@portcullis/rules';
import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Keyword } from '../keyword';
import type { ValueTable } from '../lists/value-table';
import { invalid, required } from '../option-value';
import type { RuleBuilder } from '../rule-builder';
import { Literal } from '../search';
import { IntegerStep, integerOrName } from './integer-buffer';

/** The name of a file holds a text, in any case of its letters. */
class FileNameStep extends BufferStep {
  private readonly literal: Literal;

  constructor(
    text: Uint8Array,
    private readonly atEnd: boolean,
    private readonly negated: boolean,
  ) {
    super();
    this.literal = new Literal(text, true);
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const { bytes, start, end } = evaluation;
    const from = this.atEnd ? Math.max(start, end - this.literal.bytes.length) : start;
    const found = this.literal.find(bytes, from, end) >= 0;
    return found !== this.negated ? evaluation.run(at + 1) : -1;
  }
}

/** The hash of a file is in a list. */
class FileHashStep extends BufferStep {
  constructor(
    private readonly hashes: ValueTable,
    private readonly negated: boolean,
  ) {
    super();
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const { bytes, start, end } = evaluation;
    const hash = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
    return this.hashes.has(hash) !== this.negated ? evaluation.run(at + 1) : -1;
  }
}

function requireBuffer(option: RuleOption, rule: RuleBuilder, name: string): void {
  if (!rule.environment.buffers.has(name)) throw invalid(option, 'keyword is not supported yet');
}

function nameKeyword(keyword: string, prefix: string, atEnd: boolean): Keyword {
  return {
    names: [keyword],
    parse(option, rule) {
      requireBuffer(option, rule, 'file.name');
      const { text, negated } = parseQuoted(required(option), option.valuePlace);
      if (text === '') throw invalid(option, 'the name is empty');
      const plain = text.replace(/\\(.)/g, '$1');
      rule.addCondition('file.name', new FileNameStep(Buffer.from(prefix + plain), atEnd, negated));
    },
  };
}

function hashKeyword(keyword: string, buffer: string, length: number): Keyword {
  return {
    names: [keyword],
    outward: true,
    parse(option, rule) {
      requireBuffer(option, rule, buffer);
      const form = /^(!?)\s*"?([^"]+)"?$/.exec(required(option));
      if (!form) throw invalid(option, 'needs the name of a file');
      const { files } = rule.environment;
      const hashes = files.hashes(option, files.path(rule.rule.file, form[2].trim()), length);
      rule.addCondition(buffer, new FileHashStep(hashes, form[1] === '!'));
    },
  };
}

/** `filesize:>100kb` and so on. */
const filesize: Keyword = {
  names: ['filesize'],
  parse(option, rule) {
    requireBuffer(option, rule, 'file.size');
    required(option);
    const { side, value, at } = rule.takeSide(option);
    const step = new IntegerStep(integerOrName(option, { bytes: 8 }, value, at));
    rule.addCondition('file.size', step, null, side);
  },
};

export const fileKeywords: readonly Keyword[] = [
  nameKeyword('filename', '', false),
  nameKeyword('fileext', '.', true),
  filesize,
  hashKeyword('filemd5', 'file.md5', 16),
  hashKeyword('filesha1', 'file.sha1', 20),
  hashKeyword('filesha256', 'file.sha256', 32),
];
