/** Old keywords of SSH, which compare with their value. */

import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Keyword } from '../keyword';
import { required } from '../option-value';

class ExactStep extends BufferStep {
  constructor(private readonly texts: readonly string[]) {
    super();
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    return this.texts.some((text) => equals(evaluation, text)) ? evaluation.run(at + 1) : -1;
  }
}

function equals({ bytes, start, length }: Evaluation, text: string): boolean {
  if (length !== text.length) return false;
  for (let i = 0; i < length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

function textOf(value: string): string {
  return value.trim().replace(/^"(.*)"$/s, '$1');
}

/** `ssh.protoversion:2.0`, `ssh.protoversion:2_compat`: the version, the latter also where it is offered beside 1. */
const protoVersion: Keyword = {
  names: ['ssh.protoversion'],
  parse(option, rule) {
    const text = textOf(required(option));
    rule.requireProtocol('ssh');
    rule.addTo(option, 'ssh.proto', new ExactStep(text === '2_compat' ? ['2', '2.0', '1.99'] : [text]));
  },
};

/** `ssh.softwareversion:"OpenSSH_8.0"`. */
const softwareVersion: Keyword = {
  names: ['ssh.softwareversion'],
  parse(option, rule) {
    rule.requireProtocol('ssh');
    rule.addTo(option, 'ssh.software', new ExactStep([textOf(required(option))]));
  },
};

export const ssh: readonly Keyword[] = [protoVersion, softwareVersion];
