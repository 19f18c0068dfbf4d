import { X509Certificate } from 'node:crypto';
import { bytesOf } from '../../testing/recorder';
import { CERTIFICATE, certificateOf, element, name, u8 } from '../../testing/tls/messages';
import { Certificate } from './certificate';
import { TlsEvent } from './events';
import { isPlainName, isUtf8, writeGeneralName, writeName } from './names';
import { Text } from './text';

const certificate = new Certificate();
const read = (bytes: Buffer) => certificate.read(bytes, 0, bytes.length);

function written(write: (to: Text) => void): string {
  const text = new Text(1 << 16);
  write(text);
  return Buffer.from(text.bytes.subarray(0, text.end)).toString('latin1');
}

const subject = () =>
  written((to) => writeName(certificate.bytes, certificate.subjectStart, certificate.subjectEnd, to));

function alternativeNames(): string[] {
  const names: string[] = [];
  for (let i = 0; ; i++) {
    const one = certificate.alternativeName(i);
    if (one === null) return names;
    const { number, start, stop } = one;
    const text = written((to) => writeGeneralName(number, certificate.bytes, start, stop, to));
    names.push(isPlainName(number) ? bytesIn(start, stop) : text);
  }
}

const bytesIn = (start: number, end: number) =>
  Buffer.from(certificate.bytes.subarray(start, end)).toString('latin1');

test('a certificate is read as Node reads it', () => {
  expect(read(CERTIFICATE)).toBe('');
  const twin = new X509Certificate(CERTIFICATE);
  const { serialStart, serialEnd, notBefore, notAfter } = certificate;
  const serial = written((to) => to.hex(certificate.bytes, serialStart, serialEnd, true, 0x3a));
  expect(serial).toBe('00:97:E6:47:09:8E:EA:C9:B4');
  expect(serial.replace(/^00:|:/g, '')).toBe(twin.serialNumber);
  expect(new Date(notBefore * 1000)).toEqual(new Date(twin.validFrom));
  expect(new Date(notAfter * 1000)).toEqual(new Date(twin.validTo));
  expect(subject()).toBe(
    'C=FR, ST=IDF, O=Some Company, OU=One + OU=Two, CN=www.example.org, Email=a@example.org, serialNumber=7',
  );
  expect(alternativeNames()).toEqual([
    'www.example.org',
    '*.example.net',
    '[192, 0, 2, 1]',
    'RFC822Name(b@example.org)',
    'https://example.org/',
    'DirectoryName(C=DE, CN=other)',
  ]);
  expect(certificate.alternativeName(3)?.number).toBe(1);
  expect(certificate.alternativeName(0)?.number).toBe(2);
});

test('every cut of a certificate is refused, and none throws', () => {
  const accepted: number[] = [];
  for (let end = 0; end < CERTIFICATE.length; end++) {
    if (read(CERTIFICATE.subarray(0, end)) === '') accepted.push(end);
  }
  expect(accepted).toEqual([]);
});

test('names', () => {
  const of = (attributes: Parameters<typeof name>[0]) => {
    expect(read(certificateOf({ subject: name(attributes) }))).toBe('');
    return subject();
  };
  expect(of([])).toBe('');
  expect(of([['550403', 0x0c, 'a\0b']])).toBe('CN=a\0b');
  expect(of([['550403', 0x1e, '\0a\x20\xac']])).toBe(bytesOf('CN=a\xe2\x82\xac').toString('latin1'));
  expect(of([['550403', 0x1e, '\xd8\x3d\xde\x00']])).toBe('CN=\xf0\x9f\x98\x80');
  expect(of([['550403', 0x1c, '\0\0\0a']])).toBe('CN=a');
  expect(of([['550403', 0x04, '\x01\xab']])).toBe('CN=01AB');
  expect(of([['2a03', 0x0c, 'x']])).toBe('OID(1.2.3)=x');
  for (const [tag, text] of [
    [0x14, '\xe4'],
    [0x1e, 'abc'],
    [0x1e, '\xd8\0\0a'],
    [0x1c, '\0\x11\0\0'],
  ] as const) {
    expect(of([['550403', tag, text]])).toBe('<X509Error: Invalid X.509 name>');
  }
});

test('what is wrong is told', () => {
  const validity = (...times: readonly [number, string][]) =>
    element(0x30, ...times.map(([tag, text]) => element(tag, bytesOf(text))));
  const good = [0x17, '150304161500Z'] as const;
  const rows: [Parameters<typeof certificateOf>[0], string][] = [
    [{}, ''],
    [{ version: element(0xa0, u8(0)) }, TlsEvent.CERTIFICATE_INVALID_VERSION],
    [{ serial: element(0x02) }, TlsEvent.CERTIFICATE_INVALID_SERIAL],
    [{ issuer: element(0x31) }, TlsEvent.CERTIFICATE_INVALID_X509NAME],
    [{ subject: element(0x30, u8(5)) }, TlsEvent.CERTIFICATE_INVALID_X509NAME],
    [{ validity: validity([...good]) }, TlsEvent.CERTIFICATE_INVALID_DATE],
    [{ validity: validity([...good], [0x17, '151304161500Z']) }, TlsEvent.CERTIFICATE_INVALID_DATE],
    [{ validity: validity([...good], [0x17, '150230161500Z']) }, TlsEvent.CERTIFICATE_INVALID_DATE],
    [{ validity: validity([...good], [0x17, '150304161500']) }, TlsEvent.CERTIFICATE_INVALID_DATE],
    [{ validity: validity([...good], [0x0c, '150304161500Z']) }, TlsEvent.CERTIFICATE_INVALID_DATE],
    [{ validity: validity([...good], [0x18, '20150304161500.5Z']) }, ''],
    [{ validity: validity([...good], [0x17, '5003041615+0130']) }, ''],
    [{ extensions: element(0xa3, element(0x31)) }, TlsEvent.CERTIFICATE_INVALID_EXTENSIONS],
    [{ extensions: element(0xa3, element(0x30, element(0x30))) }, TlsEvent.CERTIFICATE_INVALID_EXTENSIONS],
  ];
  for (const [parts, event] of rows) expect([parts, read(certificateOf(parts))]).toEqual([parts, event]);
});

test('times', () => {
  const time = (tag: number, text: string) => {
    const element2 = element(0x30, element(tag, bytesOf(text)), element(tag, bytesOf(text)));
    expect(read(certificateOf({ validity: element2 }))).toBe('');
    return certificate.notBefore;
  };
  expect(time(0x17, '491231235959Z')).toBe(Date.UTC(2049, 11, 31, 23, 59, 59) / 1000);
  expect(time(0x17, '500101000000Z')).toBe(Date.UTC(1950, 0, 1) / 1000);
  expect(time(0x18, '20160229120000Z')).toBe(Date.UTC(2016, 1, 29, 12) / 1000);
  expect(time(0x17, '1503041615+0130')).toBe(Date.UTC(2015, 2, 4, 14, 45) / 1000);
});

test('UTF-8 is told apart as Node does', () => {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for (const text of [
    '',
    'a',
    'c3a4',
    'c3',
    'c080',
    'eda080',
    'e0a080',
    'e08080',
    'f0908080',
    'f4908080',
    'f48fbfbf',
    'ff',
  ]) {
    const bytes = Buffer.from(text, 'hex');
    let right = true;
    try {
      decoder.decode(bytes);
    } catch {
      right = false;
    }
    expect([text, isUtf8(bytes, 0, bytes.length)]).toEqual([text, right]);
  }
});
