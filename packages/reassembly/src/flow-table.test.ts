import { PacketView } from '@portcullis/wire';
import { FlowTable, MAX_FLOWS } from './flow-table';
import { defaultTimeouts, emergencyTimeouts, TimeoutClass, timeoutTable } from './flow-timeouts';
import { Random, seeds } from './random.fixture';

interface Tuple {
  source: number[];
  destination: number[];
  sourcePort: number;
  destinationPort: number;
  protocol: number;
}

function show(view: PacketView, tuple: Tuple): PacketView {
  view.source.set(tuple.source);
  view.destination.set(tuple.destination);
  view.sourcePort = tuple.sourcePort;
  view.destinationPort = tuple.destinationPort;
  view.protocol = tuple.protocol;
  return view;
}

function turned(tuple: Tuple): Tuple {
  return {
    ...tuple,
    source: tuple.destination,
    destination: tuple.source,
    sourcePort: tuple.destinationPort,
    destinationPort: tuple.sourcePort,
  };
}

function key(tuple: Tuple): string {
  return `${tuple.protocol} ${tuple.source.join('.')}:${tuple.sourcePort} ${tuple.destination.join('.')}:${tuple.destinationPort}`;
}

function tuple(last: number, port = 1000): Tuple {
  return {
    source: [0, 0, 0xffff, 10],
    destination: [0, 0, 0xffff, last],
    sourcePort: port,
    destinationPort: 80,
    protocol: 6,
  };
}

test.each(seeds(2))('finds what a Map finds (SEED=%i)', (seed) => {
  const random = new Random(seed);
  const capacity = random.between(1, 40);
  const table = new FlowTable(capacity, { seed: random.word() });
  const slow = new Map<string, { slot: number; tuple: Tuple; id: number; packets: [number, number] }>();
  const view = new PacketView();
  const ids = new Set<number>();
  const check = (condition: boolean, what: string) => {
    if (!condition) throw new Error(what);
  };
  for (let round = 0; round < (process.env.PORTCULLIS_LONG ? 4000 : 1000); round++) {
    const ipv6 = random.chance(0.3);
    // Few addresses, so that tuples that differ in one word only are frequent.
    const address = () =>
      ipv6
        ? [random.below(2), random.below(2), random.below(2), random.below(2)]
        : [0, 0, 0xffff, random.below(3)];
    const wanted: Tuple = {
      source: address(),
      destination: address(),
      sourcePort: random.below(2) * 65_535,
      destinationPort: random.below(2),
      protocol: random.chance(0.5) ? 6 : 17,
    };
    const forward = slow.get(key(wanted));
    const backward = slow.get(key(turned(wanted)));
    const known = forward ?? backward;
    const slot = table.find(show(view, wanted));
    check(slot === (known?.slot ?? -1), `find ${slot}, expected ${known?.slot}`);
    if (known !== undefined) {
      check(table.direction === (forward === undefined ? 1 : 0), 'direction');
      if (random.chance(0.3)) {
        table.remove(slot);
        slow.delete(key(known.tuple));
        check(!table.inUse(slot), 'removed slot is in use');
      } else if (random.chance(0.1)) {
        const swap = random.chance(0.5);
        table.renew(slot, round, 0, swap);
        slow.delete(key(known.tuple));
        known.tuple = swap ? turned(known.tuple) : known.tuple;
        known.id = table.flowId(slot);
        known.packets = [0, 0];
        slow.set(key(known.tuple), known);
        check(!ids.has(known.id), 'id used twice');
        ids.add(known.id);
      } else {
        known.packets[table.direction]++;
        table.touch(slot, table.direction, round, 100);
        if (random.chance(0.5)) table.confirm(slot);
      }
    } else {
      const reversed = random.chance(0.2);
      const added = table.insert(view, round, 0, reversed);
      if (slow.size === capacity) {
        check(added === -1, 'insert into a full table');
      } else {
        check(added >= 0 && table.inUse(added), 'insert');
        const id = table.flowId(added);
        check(!ids.has(id), 'id used twice');
        ids.add(id);
        const kept = reversed ? turned(wanted) : wanted;
        slow.set(key(kept), { slot: added, tuple: kept, id, packets: [0, 0] });
      }
    }
    check(table.count === slow.size, 'count');
  }
  const out = new Uint32Array(4);
  for (const flow of slow.values()) {
    table.sourceWords(flow.slot, out);
    expect([...out]).toEqual(flow.tuple.source);
    table.destinationWords(flow.slot, out);
    expect([...out]).toEqual(flow.tuple.destination);
    expect(table.sourcePort(flow.slot)).toBe(flow.tuple.sourcePort);
    expect(table.destinationPort(flow.slot)).toBe(flow.tuple.destinationPort);
    expect(table.protocol(flow.slot)).toBe(flow.tuple.protocol);
    expect([table.packets(flow.slot, 0), table.packets(flow.slot, 1)]).toEqual(flow.packets);
  }
});

test('unanswered flows stand in order of age, others not at all', () => {
  const table = new FlowTable(8, { seed: 1 });
  const view = new PacketView();
  const slots = [1, 2, 3, 4].map((last) => {
    expect(table.find(show(view, tuple(last)))).toBe(-1);
    return table.insert(view, last, 0);
  });
  expect(table.unconfirmed).toBe(4);
  table.confirm(slots[1]);
  table.confirm(slots[1]);
  expect(table.unconfirmed).toBe(3);
  expect(table.oldestUnconfirmed()).toBe(slots[0]);
  table.remove(slots[0]);
  expect(table.oldestUnconfirmed()).toBe(slots[2]);
  table.renew(slots[2], 9, 0, false);
  expect(table.oldestUnconfirmed()).toBe(slots[3]);
  table.remove(slots[3]);
  table.remove(slots[2]);
  expect(table.oldestUnconfirmed()).toBe(-1);
  expect(table.count).toBe(1);
});

test('time-outs depend on the class, and are short while the table is nearly full', () => {
  const table = new FlowTable(100, { seed: 1 });
  const view = new PacketView();
  const add = (last: number, timeoutClass: number) => {
    expect(table.find(show(view, tuple(last)))).toBe(-1);
    return table.insert(view, 0, timeoutClass);
  };
  const halfOpen = add(1, TimeoutClass.HALF_OPEN);
  const established = add(2, TimeoutClass.ESTABLISHED);
  const expired: number[] = [];
  const onExpire = (slot: number) => {
    expired.push(slot);
    table.remove(slot);
  };
  table.expire(30e6, 1000, onExpire);
  expect(expired).toEqual([]);
  table.expire(31e6, 1, onExpire);
  table.expire(31e6, 1, onExpire);
  expect(expired).toEqual([halfOpen]);
  table.expire(3601e6, 1000, onExpire);
  expect(expired).toEqual([halfOpen, established]);

  for (let last = 0; last < 91; last++) add(last, TimeoutClass.HALF_OPEN);
  expect(table.emergency).toBe(true);
  expect(table.expire(4e6, 1000, onExpire)).toBe(91);
  expect(table.emergency).toBe(false);
});

test('a sweep looks at no more flows than asked, and at all of them in turn', () => {
  const table = new FlowTable(100, { seed: 1 });
  const view = new PacketView();
  for (let last = 0; last < 50; last++) {
    table.find(show(view, tuple(last)));
    table.insert(view, 0, TimeoutClass.CLOSED);
  }
  let seen = 0;
  for (let call = 0; call < 10; call++) {
    const found = table.expire(1e9, 5, (slot) => table.remove(slot));
    expect(found).toBe(5);
    seen += found;
  }
  expect(seen).toBe(50);
  expect(table.count).toBe(0);
});

test.each(seeds(6))('a sweep finds what looking at every slot finds (SEED=%i)', (seed) => {
  const timeouts = timeoutTable(defaultTimeouts);
  const shortTimeouts = timeoutTable(emergencyTimeouts);
  const random = new Random(seed);
  const table = new FlowTable(300, { seed });
  const view = new PacketView();
  let now = 1.7e15;
  // What the table is asked, kept by slot: class and time of the last packet.
  const flows = new Map<number, { timeoutClass: number; last: number }>();
  let cursor = 0;
  for (let step = 0; step < 4000; step++) {
    now += random.below(8) === 0 ? -random.below(5e6) : random.below(1e6) / 3;
    const slot = random.below(Math.max(1, table.slots));
    const flow = flows.get(slot);
    const timeoutClass = random.below(8);
    switch (random.below(6)) {
      case 0:
      case 1: {
        show(view, tuple(random.below(250), random.below(4) + 1));
        if (table.find(view) >= 0) break;
        const added = table.insert(view, now, timeoutClass);
        if (added >= 0) flows.set(added, { timeoutClass, last: now });
        break;
      }
      case 2:
        if (flow === undefined) break;
        table.touch(slot, 0, now, 40);
        flow.last = now;
        break;
      case 3:
        if (flow === undefined) break;
        table.setTimeoutClass(slot, timeoutClass);
        flow.timeoutClass = timeoutClass;
        break;
      case 4:
        if (flow === undefined) break;
        table.renew(slot, now, timeoutClass, random.below(2) === 0);
        flows.set(slot, { timeoutClass, last: now });
        break;
      default: {
        const budget = random.below(200);
        const inForce = table.emergency ? shortTimeouts : timeouts;
        const end = table.slots;
        const expected: number[] = [];
        for (let left = Math.min(budget, end); left > 0; left--) {
          if (cursor >= end) cursor = 0;
          const known = flows.get(cursor);
          if (known !== undefined && now - known.last > (inForce[known.timeoutClass] as number))
            expected.push(cursor);
          cursor++;
        }
        const found: number[] = [];
        table.expire(now, budget, (expired) => {
          found.push(expired);
          // Now and then its owner keeps it.
          if (expired % 5 === 0) return;
          table.remove(expired);
          flows.delete(expired);
        });
        expect({ step, found }).toEqual({ step, found: expected });
      }
    }
  }
});

test.each([0, -1, 1.5, MAX_FLOWS + 1, Number.NaN])('a capacity of %p is refused', (capacity) => {
  expect(() => new FlowTable(capacity)).toThrow(RangeError);
});

test('a time-out of nothing is refused', () => {
  const timeouts = {
    halfOpen: 0,
    established: 1,
    halfClosed: 1,
    closed: 1,
    blocked: 1,
    datagramNew: 1,
    datagram: 1,
    icmp: 1,
  };
  expect(() => new FlowTable(1, { timeouts })).toThrow(/above 0/);
});
