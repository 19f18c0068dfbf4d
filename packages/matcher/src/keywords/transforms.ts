import type { Keyword } from '../keyword';
import { invalid, required, withoutValue } from '../option-value';
import type { Transform } from '../transform';
import { toMd5, toSha1, toSha256 } from '../transforms/digest';
import {
  compressWhitespace,
  dotprefix,
  headerLowercase,
  stripWhitespace,
  toLowercase,
  toUppercase,
  urlDecode,
} from '../transforms/simple';
import { xor } from '../transforms/xor';

function plain(transform: Transform): Keyword {
  return {
    names: [transform.key],
    parse(option, rule) {
      withoutValue(option);
      rule.addTransform(option, transform);
    },
  };
}

/** `xor:"0d0ac8ff"`: the key in hex. */
const xorKeyword: Keyword = {
  names: ['xor'],
  parse(option, rule) {
    const text = required(option).replace(/^"(.*)"$/, '$1');
    if (!/^(?:[0-9a-fA-F]{2}){1,256}$/.test(text))
      throw invalid(option, 'needs a key of 1 to 256 bytes in hex');
    rule.addTransform(option, xor(Uint8Array.from(Buffer.from(text, 'hex'))));
  },
};

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
  xorKeyword,
];
