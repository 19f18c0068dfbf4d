import type { BufferView } from '@portcullis/protocols';
import { latin1 } from '../testing/harness';
import { DerivedMemo } from './derived-memo';

function view(text: string): BufferView {
  const bytes = latin1(`..${text}..`);
  return { bytes, start: 2, end: 2 + text.length, streamOffset: 0, fresh: 2, complete: true };
}

/** Rules known for a key; null: none are. */
function lookUp(memo: DerivedMemo, facts: number, ...texts: string[]): number[] | null {
  memo.begin();
  for (const text of texts) expect(memo.add(view(text))).toBe(true);
  if (!memo.find(facts)) return null;
  return Array.from({ length: memo.count }, (_, i) => memo.rule(i));
}

describe('derived memo', () => {
  test('knows a key by all of its bytes, its parts and the facts', () => {
    const memo = new DerivedMemo();
    expect(lookUp(memo, 1, 'GET / HTTP/1.1', 'Host: a')).toBeNull();
    memo.store(1, Int32Array.of(7, 3, 9), 2);
    expect(lookUp(memo, 1, 'GET / HTTP/1.1', 'Host: a')).toEqual([7, 3]);
    expect(lookUp(memo, 2, 'GET / HTTP/1.1', 'Host: a')).toBeNull();
    expect(lookUp(memo, 1, 'GET / HTTP/1.1', 'Host: b')).toBeNull();
    expect(lookUp(memo, 1, 'GET / HTTP/1.1H', 'ost: a')).toBeNull();
    expect(lookUp(memo, 1, 'GET / HTTP/1.1')).toBeNull();
  });

  test('an equal entry is only taken where no byte differs', () => {
    const memo = new DerivedMemo();
    const text = 'x'.repeat(300);
    for (let at = 0; at < text.length; at++) {
      expect(lookUp(memo, 1, text)).toEqual(at === 0 ? null : [at - 1]);
      memo.store(1, Int32Array.of(at), 1);
      const other = `${text.slice(0, at)}y${text.slice(at + 1)}`;
      expect(lookUp(memo, 1, other)).toBeNull();
      lookUp(memo, 1, text);
    }
  });

  test('keeps neither long keys nor many rules', () => {
    const memo = new DerivedMemo();
    memo.begin();
    expect(memo.add(view('x'.repeat(2000)))).toBe(false);
    expect(lookUp(memo, 1, 'a')).toBeNull();
    memo.store(1, new Int32Array(100), 100);
    expect(lookUp(memo, 1, 'a')).toBeNull();
  });
});
