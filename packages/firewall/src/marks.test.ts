import { MarkLayout, OFFLOAD_GENERATIONS } from './marks';

const MASK = 0x00f00000;

describe('MarkLayout', () => {
  test('the default mask: bypass bit, queue values, two offload generations', () => {
    const layout = MarkLayout.from(MASK, 4);
    expect(layout.bypassBit).toBe(0x00100000);
    expect(layout.valueMask).toBe(0x00e00000);
    expect([0, 1, 2, 3].map((index) => layout.queueMark(index))).toEqual([
      0x00200000, 0x00400000, 0x00600000, 0x00800000,
    ]);
    expect([0, 1, 2, 3].map((generation) => layout.offloadMark(generation))).toEqual([
      0x00e00000, 0x00c00000, 0x00e00000, 0x00c00000,
    ]);
    expect(layout.injected).toBe(MASK);
  });

  test('the highest bits of the mark do not come out negative', () => {
    const layout = MarkLayout.from(0xf0000000, 4);
    expect(layout.offloadMark(0)).toBe(0xe0000000);
    expect(layout.queueMark(3)).toBe(0x80000000);
    expect(layout.verdictMark(0xffffffff, layout.offloadMark(1))).toBe(0xcfffffff);
    expect(MarkLayout.from(0xffffffff, 64).injected).toBe(0xffffffff);
  });

  test.each([
    [0, 1],
    [-1, 1],
    [1.5, 1],
    [0x1_0000_0000, 1],
    [0x00500000, 1],
    [0x3, 1],
    [MASK, 5],
    [MASK, 0],
  ])('mask %p with %p queues is refused', (mask, queues) => {
    expect(() => MarkLayout.from(mask, queues)).toThrow(
      expect.objectContaining({ code: 'MARK_MASK_INVALID' }),
    );
  });

  test('three bits do for one queue, not for two', () => {
    expect(MarkLayout.from(0x7, 1).offloadMark(1)).toBe(0x4);
    expect(() => MarkLayout.from(0x7, 2)).toThrow(/needs? 4/);
  });

  test('connections that are taken up have a value of their own', () => {
    expect([1, 2, 3, 4].map((queues) => MarkLayout.from(MASK, queues).takenUpMark)).toEqual([
      0x00200000, 0x00600000, 0x00800000, 0x00a00000,
    ]);
    expect(MarkLayout.from(0x7, 1).takenUpMark).toBe(0x2);
  });

  test.each([1, 2, 3, 4])('with %i queues no value means two things', (queues) => {
    for (let generation = 0; generation < OFFLOAD_GENERATIONS; generation++) {
      const layout = MarkLayout.from(MASK, queues);
      const queueMarks =
        queues > 1 ? Array.from({ length: queues }, (_, index) => layout.queueMark(index)) : [];
      const others = [...queueMarks, layout.takenUpMark, ...layout.unusedMarks(generation)];
      const marks = [0, layout.offloadMark(generation), ...others];
      expect(new Set(marks).size).toBe(marks.length);
      for (const mark of marks) {
        expect(mark & ~layout.valueMask).toBe(0);
        expect(mark).not.toBe(layout.injected);
      }
      if (queues > 1) expect(marks).toHaveLength(8);
    }
  });

  test('a value of any number of queues is never an offload value of another', () => {
    const offloads = [0, 1].map((generation) => MarkLayout.from(MASK, 1).offloadMark(generation));
    const layout = MarkLayout.from(MASK, 4);
    for (let index = 0; index < 4; index++) expect(offloads).not.toContain(layout.queueMark(index));
    expect(offloads).not.toContain(layout.takenUpMark);
  });

  test('a verdict carries the bits of others over', () => {
    const layout = MarkLayout.from(MASK, 1);
    expect(layout.verdictMark(0xca6c0001, layout.offloadMark(0))).toBe(0xcaec0001);
    expect(layout.verdictMark(0xca6c0001, 0)).toBe(0xca0c0001);
  });
});
