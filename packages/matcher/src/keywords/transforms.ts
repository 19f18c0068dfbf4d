import type { RuleOption } from '@portcullis/rules';
import type { Base64Mode } from '../base64';
import { integerRange } from '../integer-range';
import type { Keyword } from '../keyword';
import { argumentsOf, integer, invalid, required, withoutValue } from '../option-value';
import type { CompileEnvironment } from '../rule-builder';
import type { Transform } from '../transform';
import { toMd5, toSha1, toSha256 } from '../transforms/digest';
import { domain, tld } from '../transforms/domain';
import { fromBase64 } from '../transforms/from-base64';
import { gunzip, zlibDeflate } from '../transforms/inflate';
import { pcrexform } from '../transforms/pcrexform';
import {
  compressWhitespace,
  dotprefix,
  headerLowercase,
  stripPseudoHeaders,
  stripWhitespace,
  toLowercase,
  toUppercase,
  urlDecode,
} from '../transforms/simple';
import { subslice } from '../transforms/subslice';
import { xor } from '../transforms/xor';

function keyword(
  name: string,
  transform: (option: RuleOption, environment: CompileEnvironment) => Transform,
): Keyword {
  return {
    names: [name],
    transform,
    parse(option, rule) {
      rule.addTransform(option, transform(option, rule.environment));
    },
  };
}

function withoutArguments(name: string, make: () => Transform): Keyword {
  return keyword(name, (option) => {
    withoutValue(option);
    return make();
  });
}

const plain = (transform: Transform): Keyword => withoutArguments(transform.key, () => transform);

const MOST_KEY_BYTES = 255;

/** `xor:"0d0ac8ff"`, `xor:offset N,0d0ac8ff`, `xor:[offset N,]extract length place`: the key in hex, or where it stands. */
const xorKeyword = keyword('xor', (option) => {
  const form = /^(?:offset\s+(\d{1,10})\s*,\s*)?(?:(?:extract|var)\s+(\d{1,3})\s+(\d{1,5})|(\S.*))$/s.exec(
    required(option),
  );
  if (!form) throw invalid(option, 'needs a key');
  const offset = Number(form[1] ?? 0);
  if (form[2] !== undefined) {
    const place = { length: Number(form[2]), offset: Number(form[3]) };
    if (place.length < 1 || place.length > MOST_KEY_BYTES || place.offset > 65_535) {
      throw invalid(option, `the key has 1 to ${MOST_KEY_BYTES} bytes, in the first 65535 of the buffer`);
    }
    return xor(place, offset);
  }
  const text = form[4].replace(/^"(.*)"$/s, '$1');
  if (!/^(?:[0-9a-fA-F]{2}){1,255}$/.test(text)) {
    throw invalid(option, `needs a key of 1 to ${MOST_KEY_BYTES} bytes in hex`);
  }
  return xor(Uint8Array.from(Buffer.from(text, 'hex')), offset);
});

/** `subslice:offset[,length][,truncate]` */
const subsliceKeyword = keyword('subslice', (option) => {
  const parts = argumentsOf(option);
  const truncate = parts.length > 1 && parts[parts.length - 1].text.toLowerCase() === 'truncate';
  if (truncate) parts.pop();
  if (parts.length > 2) throw invalid(option, 'takes an offset, a length and "truncate"', parts[2].index);
  const offset = integer(option, parts[0], -MOST_SLICED, MOST_SLICED);
  const length = parts[1] ? integer(option, parts[1], -MOST_SLICED, MOST_SLICED) : null;
  if (length === 0) throw invalid(option, 'a length of 0 leaves nothing', parts[1].index);
  return subslice(offset, length, truncate);
});

const MOST_SLICED = 0x7fffffff;
const BASE64_MODES: readonly string[] = ['strict', 'rfc4648', 'rfc2045'];

/** `from_base64[:bytes N][, offset N][, mode rfc4648|rfc2045|strict]` */
const fromBase64Keyword = keyword('from_base64', (option) => {
  let bytes = 0;
  let offset = 0;
  let mode: Base64Mode = 'rfc4648';
  const seen = new Set<string>();
  for (const { text, index } of option.value ? argumentsOf(option) : []) {
    const form = /^(bytes|offset|mode)\s+(\S+)$/.exec(text);
    if (!form) throw invalid(option, `unknown word "${text}"`, index);
    if (seen.has(form[1])) throw invalid(option, `"${form[1]}" stands twice`, index);
    seen.add(form[1]);
    const value = { text: form[2], index: index + text.length - form[2].length };
    if (form[1] === 'bytes') bytes = integer(option, value, 0, 65_535);
    else if (form[1] === 'offset') offset = integer(option, value, 0, 65_535);
    else if (BASE64_MODES.includes(value.text)) mode = value.text as Base64Mode;
    else throw invalid(option, `there is no mode "${value.text}"`, value.index);
  }
  return fromBase64(bytes, offset, mode);
});

const DEFAULT_INFLATED = 1024;

/** `gunzip[:max-size N]`, `zlib_deflate[:max-size N]`; N with a unit, as in `8kb`. */
function inflateKeyword(name: string, make: (largest: number) => Transform): Keyword {
  return keyword(name, (option) => {
    let largest = DEFAULT_INFLATED;
    if (option.value) {
      const form = /^max-size\s*[=\s]\s*(\d\S*)$/.exec(option.value);
      if (!form) throw invalid(option, 'takes "max-size" with a number');
      const range = integerRange(option, 0xffffffff, form[1], option.value.length - form[1].length);
      largest = range.low;
      if (largest === 0) throw invalid(option, 'a size of 0 leaves nothing');
    }
    return make(largest);
  });
}

/** `pcrexform:"expression with (one group)"`: what the group matches. */
const pcrexformKeyword = keyword('pcrexform', (option, environment) => {
  const form = /^"(.+)"$/s.exec(required(option));
  if (!form) throw invalid(option, 'needs an expression in double quotes');
  const { expressions, checkExpressions } = environment;
  const error = checkExpressions ? expressions.check(form[1], {}) : null;
  if (error) throw invalid(option, error.message, 1 + error.position);
  const groups = form[1].replace(/\\.|\[(?:\\.|[^\]])*\]/gs, '').match(/\((?!\?(?!P?<[A-Za-z]))/g) ?? [];
  if (groups.length !== 1) throw invalid(option, 'the expression needs exactly one group');
  return pcrexform(form[1], expressions);
});

export const transforms: readonly Keyword[] = [
  plain(toLowercase),
  plain(toUppercase),
  plain(stripWhitespace),
  plain(compressWhitespace),
  plain(dotprefix),
  plain(headerLowercase),
  plain(urlDecode),
  plain(toMd5),
  plain(toSha1),
  plain(toSha256),
  plain(stripPseudoHeaders),
  withoutArguments('domain', domain),
  withoutArguments('tld', tld),
  xorKeyword,
  subsliceKeyword,
  fromBase64Keyword,
  inflateKeyword('gunzip', gunzip),
  inflateKeyword('zlib_deflate', zlibDeflate),
  pcrexformKeyword,
];
