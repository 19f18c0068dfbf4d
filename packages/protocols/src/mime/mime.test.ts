import { Random, testSeed } from '../../testing/random';
import { emptyView } from '../../testing/recorder';
import { BufferPool } from '../buffer-pool';
import { FileBuffer, FileTracker } from '../files/file-tracker';
import { DEFAULT_FILE_POLICY } from '../files/policy';
import { Base64Decoder } from './base64';
import { MimeMessage } from './message';
import { DEFAULT_MIME_OPTIONS, type MimeOptions } from './options';
import { findParameter } from './parameters';
import { decodeQuotedPrintable, QuotedPrintableState } from './quoted-printable';
import { UrlCollector } from './urls';
import { decodeUuencodedLine, uuencodeBegin } from './uuencode';

interface Parsed {
  message: MimeMessage;
  files: [name: string, content: string][];
  events: string[];
}

function parse(lines: readonly string[], options: Partial<MimeOptions> = {}): Parsed {
  const tracker = new FileTracker(new BufferPool(), DEFAULT_FILE_POLICY);
  const events: string[] = [];
  const message = new MimeMessage(
    tracker,
    { ...DEFAULT_MIME_OPTIONS, ...options },
    {
      onMimeEvent: (event) => events.push(event),
      onFileFull: () => tracker.shown(),
    },
  );
  for (const line of lines) {
    const bytes = Buffer.from(`${line}\r\n`, 'latin1');
    message.line(bytes, 0, bytes.length - 2, 2, true);
  }
  message.finish(true);
  const files: [string, string][] = [];
  const view = emptyView();
  const text = (buffer: number, index: number) =>
    tracker.fill(buffer, index, view)
      ? Buffer.from(view.bytes.slice(view.start, view.end)).toString('latin1')
      : '';
  for (let i = 0; i < tracker.count; i++) files.push([text(FileBuffer.NAME, i), text(FileBuffer.DATA, i)]);
  return { message, files, events };
}

function field(message: MimeMessage, name: string, index = 0): string | null {
  const value = message.header.find(name, index);
  return value === null ? null : Buffer.from(value).toString('latin1');
}

const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64');

test('what says how a message is to be read counts behind any number of fields', () => {
  const junk = Array.from({ length: 3000 }, (_, i) => [`X-${i}: ${'v'.repeat(30)}`, ' folded']).flat();
  const { files } = parse([
    ...junk,
    'Content-Type: multipart/mixed;',
    ' boundary=b',
    '',
    '--b',
    ...junk,
    'Content-Disposition: attachment;',
    ' filename=a.txt',
    'Content-Transfer-Encoding: base64',
    '',
    base64('the attack'),
    '--b--',
  ]);
  expect(files).toEqual([['a.txt', 'the attack']]);
});

test('header fields, folded and repeated', () => {
  const { message, events } = parse([
    'Received: from a',
    'Received: from b',
    'SUBJECT:   =?utf-8?q?a?= b ',
    ' c',
    '\td',
    'not a field',
    'To: x',
    '',
    'From: body',
  ]);
  expect(field(message, 'subject')).toBe('=?utf-8?q?a?= b cd');
  expect(field(message, 'received')).toBe('from a');
  expect(field(message, 'received', 1)).toBe('from b');
  expect(field(message, 'received', 2)).toBeNull();
  expect(field(message, 'to')).toBe('x');
  expect(field(message, 'from')).toBeNull();
  expect(events).toEqual([]);
});

test('attachments in parts, each with its encoding', () => {
  const { files, events } = parse([
    'Content-Type: multipart/mixed; boundary="x y"',
    '',
    'preamble',
    '--x y',
    'Content-Type: text/plain',
    '',
    'text without a name',
    '--x y',
    'Content-Type: application/zip; name=one.zip',
    'Content-Transfer-Encoding: BASE64',
    '',
    base64('first file').slice(0, 5),
    base64('first file').slice(5),
    '--x y',
    'Content-Disposition: attachment; filename="two.txt"',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    'a=3Db=',
    'c',
    '--x y',
    'Content-Disposition: attachment;',
    ' filename="three.txt"',
    '',
    'plain',
    'lines',
    '--x y--',
  ]);
  expect(files).toEqual([
    ['one.zip', 'first file'],
    ['two.txt', 'a=bc\r\n'],
    ['three.txt', 'plain\r\nlines'],
  ]);
  expect(events).toEqual([]);
});

test('parts within parts and messages within messages', () => {
  const { files } = parse([
    'Content-Type: multipart/mixed; boundary=outer',
    '',
    '--outer',
    'Content-Type: multipart/related; boundary=inner',
    '',
    '--inner',
    'Content-Disposition: inline; filename=a.png',
    'Content-Transfer-Encoding: base64',
    '',
    base64('picture'),
    '--inner--',
    '--outer',
    'Content-Type: message/rfc822',
    '',
    'Subject: forwarded',
    'Content-Type: multipart/mixed; boundary=deep',
    '',
    '--deep',
    'Content-Disposition: attachment; filename=b.exe',
    '',
    'MZ',
    '--outer--',
  ]);
  expect(files).toEqual([
    ['a.png', 'picture'],
    ['b.exe', 'MZ'],
  ]);
});

test('a mail that is an attachment itself, and uuencoded text', () => {
  expect(parse(['Content-Disposition: attachment; filename="m.exe"', '', 'EICAR']).files).toEqual([
    ['m.exe', 'EICAR'],
  ]);
  const { files } = parse(['', 'see below', 'begin 644 cat.txt', '#0V%T', '`', 'end', 'bye', 'begin 12 x']);
  expect(files).toEqual([['cat.txt', 'Cat']]);
});

test('parts deeper than is followed are told', () => {
  const lines = ['Content-Type: multipart/mixed; boundary=b0', ''];
  for (let i = 0; i < 70; i++) lines.push(`--b${i}`, `Content-Type: multipart/mixed; boundary=b${i + 1}`, '');
  expect(parse(lines).events).toContain('smtp.mime_too_deep');
});

test('a file is found in parts within many others, and behind much else in a field', () => {
  const deep = ['Content-Type: multipart/mixed; boundary=b0', ''];
  for (let i = 0; i < 40; i++) deep.push(`--b${i}`, `Content-Type: multipart/mixed; boundary=b${i + 1}`, '');
  const file = ['Content-Disposition: attachment; filename=deep.exe', '', 'EICAR'];
  expect(parse([...deep, '--b40', ...file]).files).toEqual([['deep.exe', 'EICAR']]);
  const others = Array.from({ length: 3000 }, (_, i) => `p${i}=v;`);
  for (const field of [
    `Content-Type: multipart/mixed; ${others.join(' ')} boundary=b`,
    ['Content-Type: multipart/mixed;', ...others.map((other) => ` ${other}`), ' boundary=b'].join('\r\n'),
  ])
    expect(parse([...field.split('\r\n'), '', '--b', ...file]).files).toEqual([['deep.exe', 'EICAR']]);
  const sections = Array.from({ length: 100 }, (_, i) => `filename*${i}=${i % 10};`).join(' ');
  expect(parse([`Content-Disposition: attachment; ${sections}`, '', 'x']).files[0]?.[0]).toHaveLength(100);
});

test('what is odd', () => {
  const long = 'x'.repeat(300);
  expect(parse([`${'n'.repeat(80)}: v`, '']).events).toEqual(['smtp.mime_long_header_name']);
  expect(parse([`Subject: ${'v'.repeat(2001)}`, '']).events).toEqual([
    'smtp.mime_long_line',
    'smtp.mime_long_header_value',
  ]);
  expect(parse([`Content-Type: multipart/mixed; boundary=${long}`, '']).events).toEqual([
    'smtp.mime_long_boundary',
  ]);
  const named = parse([`Content-Disposition: attachment; filename=${long}`, '', 'x']);
  expect(named.events).toEqual(['smtp.mime_long_filename']);
  expect(named.files[0][0]).toHaveLength(255);
  const coded = (encoding: string, line: string) =>
    parse([
      'Content-Disposition: attachment; filename=f',
      `Content-Transfer-Encoding: ${encoding}`,
      '',
      line,
    ]);
  expect(coded('base64', 'QUJD*REVG').events).toEqual(['smtp.mime_invalid_base64']);
  expect(coded('base64', 'QUJD*REVG').files).toEqual([['f', 'ABCDEF']]);
  expect(coded('base64', 'QUJD'.repeat(20)).events).toEqual(['smtp.mime_long_enc_line']);
  expect(coded('quoted-printable', 'a=zz').events).toEqual(['smtp.mime_invalid_qp']);
  expect(coded('quoted-printable', 'a=3d').files).toEqual([['f', 'a=\r\n']]);
});

test('addresses in texts and in attachments', () => {
  const urls = (lines: string[], options: Partial<MimeOptions> = {}) =>
    parse(lines, options).message.urls.urls.map((url) => Buffer.from(url).toString('latin1'));
  expect(urls(['', 'see HTTP://a.example/x?y <http://b.example> https://c.example'])).toEqual([
    'a.example/x?y',
    'b.example',
  ]);
  expect(urls(['', 'http://a'], { keepUrlScheme: true, urlSchemes: ['https', 'http'] })).toEqual([
    'http://a',
  ]);
  expect(urls(['', 'http://a'], { extractUrls: false })).toEqual([]);
  // In encoded text, and where a line of the encoding ends within the address.
  const text = `${'x'.repeat(40)} http://long.example/path?with=much more\nhttp://second.example`;
  const lines = base64(text).match(/.{1,20}/g) as string[];
  expect(urls(['Content-Transfer-Encoding: base64', '', ...lines])).toEqual([
    'long.example/path?with=much',
    'second.example',
  ]);
  expect(
    urls([
      'Content-Type: text/html',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      'a http://soft=',
      '.exam=70le b',
    ]),
  ).toEqual(['soft.example']);
  expect(urls(['Content-Type: image/png', '', 'http://a'])).toEqual([]);
  expect(
    urls([
      'Content-Type: text/html; name=a.html',
      'Content-Transfer-Encoding: base64',
      '',
      base64('<a href="http://in.side/">'),
    ]),
  ).toEqual(['in.side/']);
});

test('addresses in pieces are those of the whole', () => {
  const seed = testSeed();
  const random = new Random(seed);
  const textOf = (collector: UrlCollector) =>
    collector.urls.map((url) => Buffer.from(url).toString('latin1')).sort();
  for (let round = 0; round < 80; round++) {
    const words = Array.from({ length: random.next(30) }, () =>
      random.pick(['http://', 'HTTPS://', 'h', 't', 'p', 's', ':', '/', 'a.b', ' ', '"', 'htt', '\n']),
    );
    const bytes = Buffer.from(words.join(''), 'latin1');
    const whole = new UrlCollector(['http', 'https'], true);
    whole.scan(bytes, 0, bytes.length);
    const pieces = new UrlCollector(['http', 'https'], true);
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + 1 + random.next(12));
      pieces.push(bytes, at, end);
      at = end;
    }
    pieces.flush();
    const where = `SEED=${seed} ${JSON.stringify(words.join(''))}`;
    expect([where, ...textOf(pieces)]).toEqual([where, ...textOf(whole)]);
  }
});

test('the hash of the body is that of its lines as sent', () => {
  const { message } = parse(['Subject: x', '', 'one', 'two']);
  // MD5 of "one\r\ntwo\r\n"
  expect(Buffer.from(message.bodyMd5 as Uint8Array).toString()).toBe('4e03dd5f05f68ca4f8941fd80c63e0b2');
});

test('parameters', () => {
  const find = (text: string, name: string) => {
    const value = findParameter(Buffer.from(text, 'latin1'), name);
    return value === null ? null : Buffer.from(value).toString('latin1');
  };
  expect(find('a; filename="x;y.txt" ; z=1', 'filename')).toBe('x;y.txt');
  expect(find('a; filename="x;y.txt" ; z=1', 'z')).toBe('1');
  expect(find('a; FileName = x.txt ', 'filename')).toBe('x.txt');
  expect(find('a; name*0="lo"; name*1="ng"; name*2=.txt', 'name')).toBe('long.txt');
  expect(find("a; filename*=utf-8'en'a%20b.exe", 'filename')).toBe('a b.exe');
  expect(find("a; filename*0*=utf-8''a%20; filename*1=b", 'filename')).toBe('a b');
  expect(find('a; filename="unfinished', 'filename')).toBe('unfinished');
  expect(find('a; filename="a\\"b"', 'filename')).toBe('a\\"b');
  expect(find('a; alone; name=x', 'name')).toBe('x');
  expect(find('name=x', 'name')).toBeNull();
  expect(find('a;', 'name')).toBeNull();
});

test('base64 in pieces gives what Buffer gives', () => {
  const seed = testSeed();
  const random = new Random(seed);
  const out = new Uint8Array(400);
  const decoder = new Base64Decoder();
  for (let round = 0; round < 60; round++) {
    const plain = Buffer.from(Array.from({ length: random.next(90) }, () => random.next(256)));
    const coded = Buffer.from(plain.toString('base64').replace(/(.{20})/g, '$1\r\n'));
    decoder.begin();
    let w = 0;
    for (let at = 0; at < coded.length; ) {
      const end = Math.min(coded.length, at + 1 + random.next(9));
      w = decoder.push(coded, at, end, out, w);
      at = end;
    }
    w = decoder.finish(out, w);
    expect(`SEED=${seed} ${Buffer.from(out.subarray(0, w)).toString('hex')}`).toBe(
      `SEED=${seed} ${plain.toString('hex')}`,
    );
    expect(decoder.invalid).toBe(false);
  }
});

test('quoted-printable', () => {
  const state = new QuotedPrintableState();
  const out = new Uint8Array(100);
  const decode = (text: string) => {
    const bytes = Buffer.from(text, 'latin1');
    const end = decodeQuotedPrintable(bytes, 0, bytes.length, out, 0, state);
    return [Buffer.from(out.subarray(0, end)).toString('latin1'), state.softBreak, state.invalid];
  };
  expect(decode('a=41=')).toEqual(['aA', true, false]);
  expect(decode('a= \t')).toEqual(['a', true, false]);
  expect(decode('=4')).toEqual(['=4', false, true]);
  expect(decode('=e4')).toEqual(['\xe4', false, true]);
});

test('uuencoded lines', () => {
  const out = new Uint8Array(100);
  const decode = (text: string) => {
    const bytes = Buffer.from(text, 'latin1');
    const end = decodeUuencodedLine(bytes, 0, bytes.length, out, 0);
    return end < 0 ? null : Buffer.from(out.subarray(0, end)).toString('latin1');
  };
  expect(decode('#0V%T')).toBe('Cat');
  expect(decode('$0V%T<P``')).toBe('Cats');
  expect(decode('`')).toBe('');
  expect(decode('M')).toBeNull();
  expect(decode('#\x010V%')).toBeNull();
  const begin = (text: string) => uuencodeBegin(Buffer.from(text), 0, text.length);
  expect(begin('begin 644 a')).toBe(10);
  expect(begin('begin 0644 a')).toBe(11);
  expect(begin('begin 999 a')).toBe(-1);
  expect(begin('begin 644 ')).toBe(-1);
});
