import type { Transform } from '../transform';

/** Names are not longer (RFC 1035 §3.1); what is has none. */
const LONGEST_NAME = 255;

const OPTIONS = { allowPrivateDomains: true, extractHostname: false, validateHostname: false } as const;

type PublicSuffixes = typeof import('tldts');

/** @returns makes the transform, and loads the Public Suffix List, which is large and seldom asked for */
function ofHost(
  key: string,
  part: (host: string, suffixes: PublicSuffixes) => string | null,
): () => Transform {
  return () => {
    const suffixes = require('tldts') as PublicSuffixes;
    return {
      key,
      outputBound: (length) => Math.min(length, LONGEST_NAME),
      apply(input, start, end, output, at) {
        if (end - start > LONGEST_NAME || end === start) return at;
        const host = Buffer.from(input.buffer, input.byteOffset + start, end - start).toString('latin1');
        const text = part(host, suffixes) ?? '';
        const length = Math.min(text.length, end - start);
        for (let i = 0; i < length; i++) output[at++] = text.charCodeAt(i);
        return at;
      },
    };
  };
}

/** The part of a host name that someone can register, by the Public Suffix List: `example.co.uk`. */
export const domain = ofHost('domain', (host, { getDomain }) => getDomain(host, OPTIONS));

/** The public suffix of a name that has a domain: `co.uk`. */
export const tld = ofHost('tld', (host, { getDomain, getPublicSuffix }) =>
  getDomain(host, OPTIONS) === null ? null : getPublicSuffix(host, OPTIONS),
);
