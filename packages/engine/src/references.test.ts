import { referenceAddress } from './references';

test.each([
  ['url,example.org/a,b', 'https://example.org/a,b'],
  ['url, http://example.org', 'http://example.org'],
  ['url,foobar://example.org', 'foobar://example.org'],
  ['CVE,2014-0160', 'https://cve.mitre.org/cgi-bin/cvename.cgi?name=2014-0160'],
  ['private,42', 'private,42'],
  ['alone', 'alone'],
])('%s', (reference, address) => {
  expect(referenceAddress(reference)).toBe(address);
});
