import { isAsWritten, withDigest, withoutDigest } from './settings-digest';

const TEXT = 'block-duration: 2h\nscan:\n  ports: [80, 443]\n';

test('what was written is known again, and comes out as it went in', () => {
  expect(isAsWritten(withDigest(TEXT))).toBe(true);
  expect(withoutDigest(withDigest(TEXT))).toBe(TEXT);
  expect(withDigest(withDigest(TEXT))).toBe(withDigest(TEXT));
});

test('cut or changed at any byte it is not as it was written', () => {
  const written = withDigest(TEXT);
  const head = written.indexOf('\n') + 1;
  for (let length = 0; length < written.length; length++) {
    expect([length, isAsWritten(written.slice(0, length))]).toEqual([length, false]);
    // Of its own first line only the digest counts.
    if (length > '# sha256 '.length + 64 && length < head - 1) continue;
    const changed = `${written.slice(0, length)}~${written.slice(length + 1)}`;
    expect([length, isAsWritten(changed)]).toEqual([length, false]);
  }
});
