/** Bytes of streams on their way to the rules: windows, protocol detection, gaps, the end of a flow. */
import {
  buildTcp,
  type ConversationPacket,
  DEFAULT_CLIENT,
  DEFAULT_SERVER,
  SeededRandom,
  TcpConversation,
} from '@portcullis/testkit';
import { TcpFlag } from '@portcullis/wire';
import { Inspection } from '../testing/inspection';

const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: shop.example\r\n\r\n`;
const RAW = 'drop tcp any any -> any any (flow:established,to_server; content:"attack"; sid:1;)';
const NEAR =
  'drop tcp any any -> any any (flow:established,to_server; content:"abc"; content:"xyz"; distance:2; within:6; sid:2;)';
const URI = 'drop http any any -> any any (flow:established,to_server; http.uri; content:"/evil"; sid:3;)';

/** The first packet that did not pass is the one that completed the pattern; nothing after it got through. */
function expectStopped(
  passed: readonly boolean[],
  packets: readonly ConversationPacket[],
  completes: number,
): void {
  expect(passed.indexOf(false)).toBe(completes);
  packets.forEach((packet, index) => {
    if (packet.from === 'client' && index > completes) expect(passed[index]).toBe(false);
  });
}

describe('a rule over the raw stream', () => {
  test.each([
    ['one content', RAW, 'well, this attack goes on', 'attack'],
    ['two contents with a distance between', NEAR, 'well, abc..xyz goes on', 'xyz'],
  ])('%s: cut in two at every byte', async (_, rule, text, last) => {
    const inspection = await Inspection.of(rule);
    const end = text.indexOf(last) + last.length;
    for (let cut = 1; cut < text.length; cut++) {
      const conversation = new TcpConversation({ clientPort: 1000 + cut }).handshake();
      conversation.client(text, { segments: [cut], acknowledge: false });
      const before = inspection.detections.length;
      expectStopped(inspection.passed(conversation.packets), conversation.packets, cut >= end ? 3 : 4);
      expect(inspection.detections).toHaveLength(before + 1);
    }
    inspection.inspector.close();
    expect(inspection.inspector.heldBytes).toBe(0);
  });

  test.each([RAW, NEAR])('one byte at a time: %s', async (rule) => {
    const inspection = await Inspection.of(rule);
    const text = 'well, this attack and abc..xyz go on';
    const conversation = new TcpConversation()
      .handshake()
      .client(text, { segments: text.split('').map(() => 1), acknowledge: false });
    const end = rule === RAW ? text.indexOf('attack') + 6 : text.indexOf('xyz') + 3;
    expectStopped(inspection.passed(conversation.packets), conversation.packets, 3 + end - 1);
    expect(inspection.detections).toHaveLength(1);
  });

  test('in every order of three segments', async () => {
    const inspection = await Inspection.of(RAW);
    const orders = [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ];
    orders.forEach((order, index) => {
      const conversation = new TcpConversation({ clientPort: 1000 + index }).handshake();
      conversation.client('x att ack', { segments: [4, 1], acknowledge: false });
      const whole = new TcpConversation({ clientPort: 2000 + index }).handshake();
      whole.client('x attack!', { segments: [4, 2], order, acknowledge: false });
      expect(inspection.passed(conversation.packets)).not.toContain(false);
      // The pattern lies in the first and the second segment and the beginning of the third.
      const passed = inspection.passed(whole.packets);
      expect(passed).toContain(false);
      // What fills the last hole completes it, and that is the last of the three at the earliest.
      expect(passed.lastIndexOf(true)).toBe(4);
      expect(inspection.detections).toHaveLength(index + 1);
    });
  });

  test('random cuts and orders, sent twice now and then: found once, never delivered', async () => {
    const inspection = await Inspection.of(`${RAW}\n${NEAR}`, { stream: { maxFlows: 4096 } });
    SeededRandom.run((random) => {
      for (let round = 0; round < (process.env.PORTCULLIS_LONG ? 150 : 60); round++) {
        const evil = random.chance();
        const noise = (length: number) =>
          Buffer.from(random.bytes(length).map((byte) => 0x41 + (byte & 15))).toString('latin1');
        const text = `${noise(random.below(40))}${evil ? random.pick(['attack', 'abc..xyz']) : 'attac'}${noise(1 + random.below(40))}`;
        const segments: number[] = [];
        for (let left = text.length; left > 0; ) {
          const size = Math.min(left, 1 + random.below(9));
          segments.push(size);
          left -= size;
        }
        const order = random.shuffled(segments.keys());
        const retransmit = [...segments.keys()].filter(() => random.chance(0.2));
        const conversation = new TcpConversation({ clientPort: 1000 + round });
        conversation.handshake().client(text, { segments, order, retransmit, acknowledge: false });
        const before = inspection.detections.length;
        const passed = inspection.passed(conversation.packets);
        expect(inspection.detections.length - before).toBe(evil ? 1 : 0);
        expect(passed.includes(false)).toBe(evil);
      }
    });
  });

  test('and over a buffer at once: the contents lie in the window of the bytes that complete the buffer', async () => {
    const rule =
      'drop http any any -> any any (flow:to_server; content:"shop"; http.uri; content:"/evil"; sid:4;)';
    const inspection = await Inspection.of(rule);
    const text = request('/evil');
    for (let cut = 1; cut < text.length; cut++) {
      const conversation = new TcpConversation({ clientPort: 1000 + cut }).handshake();
      conversation.client(text, { segments: [cut], acknowledge: false });
      expect([cut, inspection.passed(conversation.packets).includes(false)]).toEqual([cut, true]);
    }
  });

  test('does not join what lies on both sides of a gap', async () => {
    const inspection = await Inspection.of(RAW, { inline: false });
    const conversation = new TcpConversation().handshake();
    conversation.client('att--ack', { segments: [3, 2, 3], lose: [1], acknowledge: false });
    // The server acknowledges what was not seen here, and the client goes on.
    conversation.acknowledge('server').client(' and on').acknowledge('server').close();
    inspection.run(conversation.packets);
    inspection.inspector.close();
    expect(inspection.sids).toEqual([]);
  });
});

describe('windows', () => {
  test('that find no memory are counted, and patterns in one piece are found all the same', async () => {
    const memcap = 4 << 20;
    // An eighth of it is for windows, which have 2560 bytes each.
    const pages = Math.floor(memcap / 8 / 2560);
    const inspection = await Inspection.of(RAW, { stream: { memcap, midstream: true } });
    const segment = (port: number, sequence: number, payload: string) =>
      buildTcp({
        source: DEFAULT_CLIENT,
        destination: DEFAULT_SERVER,
        sourcePort: port,
        destinationPort: 80,
        sequence,
        acknowledgment: 1,
        flags: TcpFlag.ACK,
        payload,
      });
    const template = segment(0, 1000, 'att');
    const flows = Array.from({ length: pages + 10 }, (_, flow) => {
      // One packet with many source ports; nobody asks for its checksum.
      const packet = Uint8Array.from(template);
      packet[20] = (1024 + flow) >> 8;
      packet[21] = (1024 + flow) & 0xff;
      return packet;
    });
    inspection.run(flows, 32, 1e15);
    expect(inspection.inspector.rawTailsMissing).toBe(10);
    const last = 1024 + pages + 9;
    expect(
      inspection
        .run([segment(last, 1003, 'ack'), segment(last, 1006, 'attack')], 8, 1e15)
        .map(({ verdict }) => verdict),
    ).toEqual([1, 0]);
    expect(inspection.run([segment(1024, 1003, 'ack')], 8, 1e15).map(({ verdict }) => verdict)).toEqual([0]);
    inspection.inspector.close();
    expect(inspection.inspector.heldBytes).toBe(0);
  });

  test('are given back when a transaction ends and when the flow does', async () => {
    const inspection = await Inspection.of(RAW);
    const conversation = new TcpConversation().handshake().client(request('/'));
    inspection.run(conversation.packets);
    expect(inspection.inspector.heldBytes).toBeGreaterThan(0);
    const rest = conversation.packets.length;
    conversation.server('HTTP/1.1 204 No Content\r\n\r\n');
    inspection.run(conversation.packets.slice(rest));
    expect(inspection.inspector.heldBytes).toBe(0);
  });
});

describe('the protocol', () => {
  test.each([[1], [2], [7]])('is told by its bytes, %d at a time, on any port', async (size) => {
    const inspection = await Inspection.of(URI);
    const text = request('/evil');
    const conversation = new TcpConversation({ serverPort: 4711 }).handshake();
    conversation.client(text, {
      segments: Array.from({ length: text.length }, () => size),
      acknowledge: false,
    });
    const passed = inspection.passed(conversation.packets);
    expect(passed).toContain(false);
    expect(inspection.detections).toMatchObject([
      { appProtocol: 'http', transaction: { facts: { url: '/evil' } } },
    ]);
  });

  test('of a server that speaks first does not spoil that of the client', async () => {
    const inspection = await Inspection.of(URI);
    const conversation = new TcpConversation()
      .handshake()
      .server('H')
      .client(request('/evil'), { acknowledge: false });
    expect(inspection.passed(conversation.packets).at(-1)).toBe(false);
  });

  test('bytes that waited for more are inspected when the response tells the protocol', async () => {
    const inspection = await Inspection.of(
      'alert http any any -> any any (flow:to_client; http.stat_code; content:"200"; sid:5;)',
    );
    const conversation = new TcpConversation()
      .handshake()
      .client('G')
      .server('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    inspection.run(conversation.packets);
    expect(inspection.detections).toMatchObject([{ appProtocol: 'http', rule: { sid: 5 } }]);
  });

  test('that the client did not tell is told by the response: the request is inspected as the client sent it', async () => {
    const inspection = await Inspection.of(
      'alert http any any -> any 80 (flow:to_server,established; http.method; content:"TRACE"; sid:6;)',
      { inline: false, policy: null },
    );
    const conversation = new TcpConversation({ serverPort: 80 })
      .handshake()
      .client('TRACE/ HTTP/1.1\r\nHost: a\r\n\r\n')
      .server('HTTP/1.0 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
    inspection.run(conversation.packets);
    expect(inspection.detections).toMatchObject([
      { rule: { sid: 6 }, direction: 'to_server', destinationPort: 80, source: DEFAULT_CLIENT },
    ]);
  });

  test('that the client did not tell with more bytes than are kept leaves the request uninspected', async () => {
    const inspection = await Inspection.of(
      'alert http any any -> any any (http.method; content:"TRACE"; sid:6;)',
    );
    const conversation = new TcpConversation()
      .handshake()
      .client(`TRACE/ HTTP/1.1\r\nX: ${'x'.repeat(3000)}\r\n\r\n`, { segments: [600, 600, 600, 600] })
      .server('HTTP/1.0 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
    inspection.run(conversation.packets);
    expect(inspection.detections).toEqual([]);
  });

  test('becomes known to rules about packets with the packet that tells it, or behind it where nothing is dropped', async () => {
    for (const [inline, packets] of [
      [true, 3],
      [false, 2],
    ] as const) {
      const inspection = await Inspection.of('alert http any any -> any any (flow:to_server; sid:7;)', {
        inline,
        policy: null,
      });
      const conversation = new TcpConversation()
        .handshake()
        .client(request('/one'), { acknowledge: false })
        .client('', {})
        .client(request('/two'), { acknowledge: false })
        .client(request('/three'), { acknowledge: false });
      inspection.run(conversation.packets);
      expect(inspection.sids).toEqual(new Array(packets).fill(7));
    }
  });

  test('that nobody knows is left to the rules over the raw stream', async () => {
    const inspection = await Inspection.of(`${URI}\n${RAW}`);
    const conversation = new TcpConversation()
      .handshake()
      .client('\x00\x01\x02 something')
      .client(request('/evil'))
      .client('attack', { acknowledge: false });
    expect(inspection.passed(conversation.packets).at(-1)).toBe(false);
    expect(inspection.detections).toMatchObject([{ rule: { sid: 1 }, appProtocol: null }]);
  });

  test('goes on after a gap in a body', async () => {
    const inspection = await Inspection.of(URI, { inline: false });
    const body = 'a'.repeat(40);
    const post = `POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`;
    const conversation = new TcpConversation().handshake();
    conversation.client(post + body, { segments: [post.length + 10, 10, 20], lose: [1], acknowledge: false });
    conversation.acknowledge('server').server('HTTP/1.1 204 No Content\r\n\r\n').client(request('/evil'));
    inspection.run(conversation.packets);
    expect(inspection.detections).toMatchObject([{ rule: { sid: 3 }, txId: 1 }]);
  });
});

describe('the end of a flow', () => {
  const HEAD =
    'alert http any 80 -> any any (flow:established,to_client; http.header; content:"secret"; sid:6;)';
  const open = () =>
    new TcpConversation().handshake().client(request('/')).server('HTTP/1.1 200 OK\r\nServer: secret');
  const end = {
    'is a FIN of both sides': (inspection: Inspection) => {
      inspection.run(open().close('server').packets);
    },
    'is a reset and a time-out': (inspection: Inspection) => {
      const conversation = open().reset('server');
      inspection.run(conversation.packets);
      inspection.inspector.idle((conversation.packets.at(-1)?.time ?? 0) + 60_000_000);
    },
    'is silence': (inspection: Inspection) => {
      const { packets } = open();
      inspection.run(packets);
      // In between a packet of another kind has been looked at.
      inspection.run(
        new TcpConversation({ clientPort: 5 })
          .handshake()
          .packets.map((packet) => ({ ...packet, inInterface: 3, hardware: new Uint8Array(6) })),
      );
      inspection.inspector.idle((packets.at(-1)?.time ?? 0) + 4000e6);
    },
    'is that of the engine': (inspection: Inspection) => {
      inspection.run(open().packets);
      inspection.inspector.close();
    },
  };
  test.each(Object.entries(end))('%s: what the parser still holds is inspected', async (_, finish) => {
    const inspection = await Inspection.of(HEAD, { stream: { maxFlows: 64 } });
    finish(inspection);
    expect(inspection.detections).toMatchObject([
      {
        rule: { sid: 6 },
        blocked: false,
        direction: 'to_client',
        sourcePort: 80,
        destinationPort: 40_000,
        appProtocol: 'http',
        hardwareAddress: null,
        inInterface: 0,
      },
    ]);
    inspection.inspector.close();
    expect(inspection.inspector.flowCount).toBe(0);
    expect(inspection.inspector.heldBytes).toBe(0);
  });

  test('never blocks anybody: there is no packet to drop', async () => {
    const inspection = await Inspection.of(HEAD.replace('alert', 'drop'), { holdBlockedMicros: 1e6 });
    inspection.run(open().packets);
    inspection.inspector.close();
    expect(inspection.detections).toMatchObject([{ blocked: false }]);
    expect(inspection.passed(new TcpConversation({ clientPort: 9 }).handshake().packets)).not.toContain(
      false,
    );
  });

  test('of one flow within a packet of its successor does not disturb the rules for that packet', async () => {
    const inspection = await Inspection.of(
      [
        HEAD,
        'alert tcp 192.0.2.10 any -> 198.51.100.20 80 (flags:S; sid:7;)',
        'alert tcp 198.51.100.20 any -> 192.0.2.10 any (flags:S; sid:8;)',
      ].join('\n'),
    );
    inspection.run(open().reset('server').packets);
    // The same ports, before the time-out of the reset connection.
    inspection.run(
      new TcpConversation({ clientSequence: 77_000_000, startTime: 1_704_067_201_000_000 }).handshake()
        .packets,
    );
    expect(inspection.sids.filter((sid) => sid !== 7)).toEqual([6]);
    expect(inspection.sids.filter((sid) => sid === 7)).toHaveLength(2);
  });
});

describe('a super-segment', () => {
  const rules = [
    'alert tcp any any -> any any (flow:to_server; dsize:1000; sid:1;)',
    'alert tcp any any -> any any (flow:to_server; dsize:>1000; sid:2;)',
    'alert tcp any any -> any any (flow:to_server; dsize:345; sid:3;)',
    'alert tcp any any -> any any (flow:to_server; dsize:<1000; content:"tail"; sid:4;)',
    'alert tcp any any -> any any (flow:to_server; dsize:>10000; sid:5;)',
  ].join('\n');
  const MSS = 1000;
  const payload = Buffer.alloc(7 * MSS + 345, '.');
  payload.write('tail', payload.length - 4);

  test('gives rules about packets what its packets would have given', async () => {
    const sids: string[][] = [];
    for (const segment of [MSS, payload.length]) {
      const inspection = await Inspection.of(rules);
      const conversation = new TcpConversation({ mss: MSS }).handshake();
      conversation.client(payload, { segments: Array.from({ length: 9 }, () => segment) });
      inspection.run(conversation.packets);
      sids.push([...new Set(inspection.sids)].sort().map(String));
    }
    expect(sids[0]).toEqual(['1', '3', '4']);
    expect(sids[1]).toEqual(sids[0]);
  });

  test('of a peer that announces a tiny segment size is not cut into thousands', async () => {
    const inspection = await Inspection.of(
      'alert tcp any any -> any any (flow:to_server; dsize:1<>200; sid:1;)',
    );
    const conversation = new TcpConversation({ mss: 8 }).handshake();
    conversation.client(Buffer.alloc(60_000, 'x'), { segments: [60_000] });
    inspection.run(conversation.packets);
    expect(inspection.detections).toHaveLength(1);
  });

  test('with the urgent flag goes on without it, its bytes inspected in place', async () => {
    const inspection = await Inspection.of(RAW);
    const conversation = new TcpConversation().handshake();
    conversation.segment('client', { payload: 'hello', flags: TcpFlag.ACK | TcpFlag.URG, urgentPointer: 2 });
    const [verdict] = inspection.run(conversation.packets).slice(-1);
    expect(verdict?.verdict).toBe(0x21);
    expect((verdict?.bytes[33] ?? 0xff) & TcpFlag.URG).toBe(0);
  });
});

test('a rule for one direction sees the bytes that tell the protocol, though the other side has spoken first', async () => {
  const inspection = await Inspection.of(
    'drop tcp any any -> any any (flow:established,to_server; content:"|3a|)"; sid:5;)',
  );
  const conversation = new TcpConversation({ serverPort: 21 }).handshake().server('220 ready\r\n');
  conversation.client('USER a:)\r\n', { segments: [8] });
  expect(inspection.passed(conversation.packets)).toContain(false);
});

describe('a connection that both sides have closed', () => {
  const BIT = [
    'alert http any any -> any any (http.uri; content:"/first"; flowbits:set,seen; noalert; sid:6;)',
    'alert tcp any any -> any any (flow:to_client; flags:FA; flowbits:isset,seen; sid:7;)',
  ].join('\n');

  test('is known for a while, without what was kept of its streams', async () => {
    const inspection = await Inspection.of(BIT);
    const { inspector } = inspection;
    const inspectionsOf = () =>
      (inspector as unknown as { hand: { inspections: unknown[] } }).hand.inspections;
    const conversation = new TcpConversation().handshake().client(request('/first'));
    inspection.run(conversation.packets);
    expect(inspectionsOf().some((flow) => flow !== null)).toBe(true);
    const before = conversation.packets.length;
    inspection.run(conversation.close().packets.slice(before));
    // What the flow had remembered still counted for the FIN of the other side.
    expect(inspection.sids).toEqual([7]);
    expect(inspectionsOf().some((flow) => flow !== null)).toBe(false);
    expect(inspector.flowCount).toBe(1);
    // A FIN that is sent once more belongs to it.
    expect(inspection.passed(conversation.packets.slice(-2))).toEqual([true, true]);
    expect(inspector.flowCount).toBe(1);
  });
});

test('however many connections there are, all have been asked about their time-outs after a few seconds', async () => {
  const HALF_OPEN_SECONDS = 30;
  const COUNT = 11_500;
  const inspection = await Inspection.of(RAW, { stream: { maxFlows: 2 * COUNT } });
  const { inspector } = inspection;
  const start = 1e6;
  const syns = Array.from({ length: COUNT }, (_, client) =>
    buildTcp({
      source: `10.1.${client >> 8}.${client & 255}`,
      destination: DEFAULT_SERVER,
      sourcePort: 40_000,
      destinationPort: 80,
      flags: TcpFlag.SYN,
    }),
  );
  inspection.run(syns, 64, start);
  expect(inspector.flowCount).toBe(COUNT);
  const due = start + HALF_OPEN_SECONDS * 1e6;
  for (let now = start; now < due; now += 50_000) inspector.idle(now);
  expect(inspector.flowCount).toBe(COUNT);
  for (let now = due + 1; now < due + 2.1e6; now += 10_000) inspector.idle(now);
  expect(inspector.flowCount).toBe(0);
});
