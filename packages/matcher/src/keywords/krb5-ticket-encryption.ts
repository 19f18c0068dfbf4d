import { ENCRYPTION_TYPES, isWeakEncryption } from '@portcullis/protocols';
import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Keyword } from '../keyword';
import { invalid, required } from '../option-value';

/** Asks for an encryption type that is weak, is not, or is one of a list. */
class TicketEncryptionStep extends BufferStep {
  constructor(private readonly holds: (type: number) => boolean) {
    super();
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const { bytes, start, end } = evaluation;
    if (end - start !== 4) return -1;
    const type = (bytes[start] << 24) | (bytes[start + 1] << 16) | (bytes[start + 2] << 8) | bytes[start + 3];
    return this.holds(type) ? evaluation.run(at + 1) : -1;
  }
}

/** `krb5.ticket_encryption:[!]weak`, or a list of names and numbers: how a reply's ticket is encrypted. */
export const krb5TicketEncryption: Keyword = {
  names: ['krb5.ticket_encryption'],
  parse(option, rule) {
    const text = required(option).trim();
    rule.requireProtocol('krb5');
    if (text === 'weak' || text === '!weak') {
      const weak = text === 'weak';
      rule.addCondition(
        'krb5.ticket_encryption',
        new TicketEncryptionStep((type) => isWeakEncryption(type) === weak),
      );
      return;
    }
    const types = new Set<number>();
    for (const part of text.split(/[\s,]+/)) {
      const type = /^-?\d{1,9}$/.test(part) ? Number(part) : ENCRYPTION_TYPES.get(part);
      if (type === undefined) throw invalid(option, `"${part}" is no encryption type`);
      types.add(type);
    }
    rule.addCondition('krb5.ticket_encryption', new TicketEncryptionStep((type) => types.has(type)));
  },
};
