import type { Expression, ExpressionCompiler } from '../expression';
import type { Transform } from '../transform';

/** The match and one group. */
const found = new Int32Array(4);

/** The first group of an expression's match; the buffer as it is where there is no match. */
export function pcrexform(pattern: string, compiler: ExpressionCompiler): Transform {
  let compiled: Expression | null = null;
  return {
    key: `pcrexform:${pattern}`,
    outputBound: (length) => length,
    apply(input, start, end, output, at) {
      compiled ??= compiler.compile(pattern, {});
      const matched = compiled.exec(input, start, end, start, found) > 1 && found[2] >= 0;
      const from = matched ? found[2] : start;
      const to = matched ? found[3] : end;
      for (let i = from; i < to; i++) output[at++] = input[i];
      return at;
    },
  };
}
