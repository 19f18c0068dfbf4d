/**
 * Keywords of TLS that are not plain buffers: versions and states by name, the validity of certificates, and the old
 * forms that have the text to be found as their value.
 */

import { decodeContent, type RuleOption } from '@portcullis/rules';
import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Keyword } from '../keyword';
import { argumentsOf, invalid, required, withoutValue } from '../option-value';
import { ContentStep } from './content';

/** The number that a buffer is, below 2^53. */
function numberIn({ bytes, start, end }: Evaluation): number {
  let value = 0;
  for (let i = start; i < end; i++) value = value * 256 + bytes[i];
  return value;
}

const VERSIONS: ReadonlyMap<string, number> = new Map([
  ['sslv2', 0x0200],
  ['sslv3', 0x0300],
  ['tls1.0', 0x0301],
  ['tls1.1', 0x0302],
  ['tls1.2', 0x0303],
  ['tls1.3', 0x0304],
]);
const TLS_1_3 = 0x0304;
const EARLY_DRAFT = 0x7f01;

/** Drafts count as the version that they became. */
function finalVersion(version: number): number {
  return (version >= 0x7f10 && version <= 0x7f1c) || version === EARLY_DRAFT ? TLS_1_3 : version;
}

class TlsVersionStep extends BufferStep {
  /** @param raw the version stands for itself only, also where it is a draft */
  constructor(
    private readonly version: number,
    private readonly raw: boolean,
  ) {
    super();
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const version = numberIn(evaluation);
    const found = this.raw || version >> 8 !== 0x7f ? version : TLS_1_3;
    return found === this.version ? evaluation.run(at + 1) : -1;
  }
}

/** `tls.version:1.2`, `tls.version:0x7f12`: the version of the side that is looked at. */
const tlsVersion: Keyword = {
  names: ['tls.version'],
  parse(option, rule) {
    const text = required(option)
      .trim()
      .replace(/^"(.*)"$/, '$1');
    const named = /^1\.[0-3]/.test(text) ? VERSIONS.get(`tls${text.slice(0, 3)}`) : undefined;
    const raw = /^0x[0-9a-fA-F]{4}$/.test(text);
    if (named === undefined && !raw)
      throw invalid(option, `"${text}" is no version (1.0, 1.1, 1.2, 1.3, 0x….)`);
    rule.requireProtocol('tls');
    rule.addTo(option, 'tls.version', new TlsVersionStep(named ?? Number(text), raw));
  },
};

class SslVersionStep extends BufferStep {
  constructor(private readonly wanted: readonly { version: number; negated: boolean }[]) {
    super();
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const version = finalVersion(numberIn(evaluation));
    const known = version === 0x0200 || (version >= 0x0300 && version <= TLS_1_3);
    if (!known) return -1;
    for (const { version: one, negated } of this.wanted) {
      if ((version === one) !== negated) return evaluation.run(at + 1);
    }
    return -1;
  }
}

/** `ssl_version:sslv3,tls1.0`, `ssl_version:!tls1.2`: any of them. */
const sslVersion: Keyword = {
  names: ['ssl_version'],
  parse(option, rule) {
    const wanted = argumentsOf(option).map(({ text, index }) => {
      const negated = text.startsWith('!');
      const version = VERSIONS.get(text.slice(negated ? 1 : 0).toLowerCase());
      if (version === undefined) throw invalid(option, `"${text}" is no version of SSL or TLS`, index);
      return { version, negated };
    });
    rule.requireProtocol('tls');
    rule.addTo(option, 'tls.version', new SslVersionStep(wanted));
  },
};

const STATES: ReadonlyMap<string, number> = new Map([
  ['client_hello', 1],
  ['server_hello', 2],
  ['client_keyx', 4],
  ['server_keyx', 8],
  ['unknown', 16],
]);

class SslStateStep extends BufferStep {
  constructor(
    private readonly wanted: number,
    private readonly unwanted: number,
  ) {
    super();
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const { bytes, start, end } = evaluation;
    let seen = 0;
    for (let i = start; i < end; i++) seen |= bytes[i];
    if ((seen & this.wanted) !== 0 || (this.unwanted & ~seen) !== 0) return evaluation.run(at + 1);
    evaluation.open = true;
    return -1;
  }
}

/** `ssl_state:client_hello|server_hello`, `ssl_state:!client_keyx`: any of them was (not) seen. */
const sslState: Keyword = {
  names: ['ssl_state'],
  parse(option, rule) {
    let wanted = 0;
    let unwanted = 0;
    let index = 0;
    for (const part of required(option).split(/[|,]/)) {
      const text = part.trim();
      const negated = text.startsWith('!');
      const state = STATES.get(text.slice(negated ? 1 : 0).trim());
      if (state === undefined) throw invalid(option, `"${text}" is no state of SSL`, index);
      if (negated) unwanted |= state;
      else wanted |= state;
      index += part.length + 1;
    }
    rule.requireProtocol('tls');
    rule.addTo(option, 'ssl_state', new SslStateStep(wanted, unwanted));
  },
};

class ValidityStep extends BufferStep {
  /** Both ends are excluded. */
  constructor(
    private readonly above: number,
    private readonly below: number,
  ) {
    super();
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const time = numberIn(evaluation);
    return time > this.above && time < this.below ? evaluation.run(at + 1) : -1;
  }
}

/** Compares with the time of the packet. */
class ValidNowStep extends BufferStep {
  constructor(private readonly later: boolean) {
    super();
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const time = numberIn(evaluation);
    const now = Math.floor(evaluation.context.timeMicros / 1_000_000);
    return (this.later ? time >= now : time <= now) ? evaluation.run(at + 1) : -1;
  }
}

class ExpiredStep extends BufferStep {
  inspect(evaluation: Evaluation, at: number): Outcome {
    const now = Math.floor(evaluation.context.timeMicros / 1_000_000);
    return numberIn(evaluation) < now ? evaluation.run(at + 1) : -1;
  }
}

const DATE = /^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[ T](\d{1,2})(?::(\d{1,2})(?::(\d{1,2}))?)?)?)?)?$/;

/** Seconds since 1970 of `2015`, `2015-10`, `2015-10-22`, `2015-10-22 23:59:59` (UTC), or of a number of seconds. */
function timeOf(option: RuleOption, written: string, index: number): number {
  const text = written.trim();
  if (/^\d{5,15}$/.test(text)) return Number(text);
  const parts = DATE.exec(text);
  if (!parts) throw invalid(option, `"${text}" is no date`, index);
  const number = (i: number, otherwise: number) => (parts[i] === undefined ? otherwise : Number(parts[i]));
  const [year, month, day] = [number(1, 0), number(2, 1), number(3, 1)];
  const [hour, minute, second] = [number(4, 0), number(5, 0), number(6, 0)];
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  if (
    date.getUTCMonth() !== month - 1 ||
    date.getUTCDate() !== day ||
    hour > 23 ||
    minute > 59 ||
    second > 60
  ) {
    throw invalid(option, `"${text}" is no date`, index);
  }
  return date.getTime() / 1000;
}

const VALIDITY_BUFFERS: ReadonlyMap<string, string> = new Map([
  ['tls_cert_notbefore', 'tls.cert_notbefore'],
  ['tls_cert_notafter', 'tls.cert_notafter'],
]);

/** `tls_cert_notbefore:>2015`, `tls_cert_notafter:2015-10<>2016-10-22 23:59`. */
const validity: Keyword = {
  names: [...VALIDITY_BUFFERS.keys()],
  parse(option, rule) {
    const value = required(option)
      .trim()
      .replace(/^"(.*)"$/, '$1');
    const between = value.indexOf('<>');
    let step: ValidityStep;
    if (between > 0) {
      const low = timeOf(option, value.slice(0, between), 0);
      const high = timeOf(option, value.slice(between + 2), between + 2);
      if (high <= low) throw invalid(option, 'the second date is not behind the first');
      step = new ValidityStep(low, high);
    } else if (value.startsWith('<')) step = new ValidityStep(-1, timeOf(option, value.slice(1), 1));
    else if (value.startsWith('>')) {
      step = new ValidityStep(timeOf(option, value.slice(1), 1), Number.MAX_SAFE_INTEGER);
    } else {
      const time = timeOf(option, value.replace(/^=/, ''), 0);
      step = new ValidityStep(time - 1, time + 1);
    }
    rule.requireProtocol('tls');
    rule.addTo(option, VALIDITY_BUFFERS.get(option.keyword) as string, step);
  },
};

/** `tls_cert_expired`, `tls_cert_valid`: at the time of the packet; the chain of trust is not looked at. */
const validityNow: Keyword = {
  names: ['tls_cert_expired', 'tls_cert_valid'],
  parse(option, rule) {
    withoutValue(option);
    rule.requireProtocol('tls');
    if (option.keyword === 'tls_cert_expired') {
      rule.addTo(option, 'tls.cert_notafter', new ExpiredStep());
      return;
    }
    rule.addTo(option, 'tls.cert_notbefore', new ValidNowStep(false));
    rule.addTo(option, 'tls.cert_notafter', new ValidNowStep(true));
  },
};

const LEGACY_BUFFERS: ReadonlyMap<string, string> = new Map([
  ['tls.subject', 'tls.cert_subject'],
  ['tls.issuerdn', 'tls.cert_issuer'],
  ['tls.fingerprint', 'tls.cert_fingerprint'],
]);

/** `tls.subject:"CN=…"`, `tls.issuerdn:!"…"`: a content of the buffer, with its case. */
const legacy: Keyword = {
  names: [...LEGACY_BUFFERS.keys()],
  parse(option, rule) {
    const { bytes, negated } = decodeContent(required(option), option.valuePlace);
    rule.openBuffer(option, LEGACY_BUFFERS.get(option.keyword) as string);
    rule.addContent(new ContentStep(bytes, negated));
    rule.openPayload();
  },
};

/** `tls.store`: certificates are not written to disk; the rule goes on without it. */
const store: Keyword = {
  names: ['tls.store', 'tls_store'],
  parse(option, rule) {
    withoutValue(option);
    rule.requireProtocol('tls');
  },
};

export const tls: readonly Keyword[] = [
  tlsVersion,
  sslVersion,
  sslState,
  validity,
  validityNow,
  legacy,
  store,
];
