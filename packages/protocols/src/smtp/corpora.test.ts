/** Captures of shared corpora, where they are: what is known to be in them is found. */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readFlows } from '../../testing/capture-file';
import { type RecordedTransaction, record } from '../../testing/recorder';
import { createFtp } from '../ftp/definition';
import { createSmtp } from './definition';

const corpora = process.env.PORTCULLIS_CORPORA ?? '';
const traces = join('pcaps', 'zeek', 'testing', 'btest', 'Traces');
const withCorpora = corpora !== '' && existsSync(join(corpora, traces)) ? test : test.skip;
const WHY = '(skipped without PORTCULLIS_CORPORA)';

function mails(...path: string[]): RecordedTransaction[] {
  return readFlows(readFileSync(join(corpora, ...path)))
    .filter((pieces) => pieces.length > 0)
    .flatMap((pieces) => record(createSmtp(), pieces).transactions);
}

const md5 = (text: string) => createHash('md5').update(Buffer.from(text, 'latin1')).digest('hex');

withCorpora(`attachments and fields ${WHY}`, () => {
  const [mail] = mails(traces, 'smtp.pcap');
  expect(mail.buffers).toMatchObject({
    '>smtp.helo': 'GP',
    '>smtp.mail_from': '<gurpartap@patriots.in>',
    '>smtp.rcpt_to[0]': '<raj_deol2002in@yahoo.co.in>',
    '>email.subject': 'SMTP',
    '>file.name[0]': 'NEWS.txt',
  });
  expect(mail.buffers['>file.data[0]']).toContain('Version 4.9.9.0');
  expect(mail.events).toEqual([]);
});

withCorpora(`an attachment has the hash that a rule asks for ${WHY}`, () => {
  const test = join('suricata-verify', 'tests', 'smtp-attachment-md5');
  const [hash] = readFileSync(join(corpora, test, 'target.md5'), 'latin1').split(/\s/);
  const [mail] = mails(test, 'input.pcap');
  expect(md5(mail.buffers['>file.data[0]'])).toBe(hash);
});

withCorpora(`a mail in several chunks is the same as in one ${WHY}`, () => {
  const [whole] = mails(traces, 'smtp', 'rfc3030-bdat-multipart.pcap');
  const [parts] = mails(traces, 'smtp', 'rfc3030-bdat-multipart-chunked.pcap');
  expect(whole.buffers['>file.name[0]']).toBe('zeek-logo.png');
  expect(whole.buffers['>file.data[0]']).toMatch(/^\x89PNG/);
  expect(md5(parts.buffers['>file.data[0]'])).toBe(md5(whole.buffers['>file.data[0]']));
});

withCorpora(`data connections that FTP announces ${WHY}`, () => {
  const flows = readFlows(readFileSync(join(corpora, traces, 'ftp', 'retr.pcap')));
  const control = flows.find((pieces) => pieces[0]?.[1].toString('latin1').startsWith('220'));
  const { expectations, transactions } = record(createFtp(), control ?? []);
  expect(expectations.map(({ protocol, listener }) => [protocol, listener])).toEqual([
    ['ftp-data', 'server'],
  ]);
  expect(transactions.flatMap(({ events }) => events)).toEqual([]);
});
