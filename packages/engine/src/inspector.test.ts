/** What the rules' actions do to packets, and what is told of it. */
import { Verdict } from '@portcullis/capture';
import {
  DEFAULT_CLIENT,
  DEFAULT_CLIENT_IPV6,
  DEFAULT_SERVER,
  DEFAULT_SERVER_IPV6,
  TcpConversation,
  UdpConversation,
} from '@portcullis/testkit';
import { communityId, PacketView, TcpFlag, verifyTransportChecksum } from '@portcullis/wire';
import { Inspection } from '../testing/inspection';
import { InspectCounter } from './inspect-counters';

const DROP_EVIL =
  'drop http any any -> any any (msg:"evil path"; flow:established,to_server; http.uri; content:"/evil"; classtype:web-application-attack; reference:cve,2024-0001; metadata:created 2024, tag a; sid:1; rev:3;)';
const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: curl/8\r\n\r\n`;
const RESPONSE = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
/** Packets of the handshake. */
const SHAKE = 3;

describe.each([
  [4, DEFAULT_CLIENT, DEFAULT_SERVER],
  [6, DEFAULT_CLIENT_IPV6, DEFAULT_SERVER_IPV6],
] as const)('a drop rule over IPv%d', (version, client, server) => {
  const endpoints = { client, server };

  test('drops the packet and all later ones of its flow, retransmissions and answers too', async () => {
    const inspection = await Inspection.of(DROP_EVIL);
    const { packets } = new TcpConversation(endpoints)
      .handshake()
      .client(request('/evil'), { acknowledge: false, retransmit: [0] })
      .server(RESPONSE)
      .client(request('/other'))
      .close();
    const passed = inspection.passed(packets);
    expect(passed.slice(0, SHAKE)).toEqual([true, true, true]);
    expect(passed.slice(SHAKE)).toEqual(packets.slice(SHAKE).map(() => false));
    expect(inspection.sids).toEqual([1]);
    expect(inspection.counter(InspectCounter.RULE_DROPS)).toBe(1);
    expect(inspection.counter(InspectCounter.STREAM_DROPS)).toBe(packets.length - SHAKE - 1);
    expect(inspection.counter(InspectCounter.DROPPED)).toBe(packets.length - SHAKE);
    expect(inspection.counter(InspectCounter.ATTACKS_BLOCKED)).toBe(1);
  });

  test('tells all there is to tell', async () => {
    const inspection = await Inspection.of(DROP_EVIL);
    const { packets } = new TcpConversation(endpoints).handshake().client(request('/evil?x=1'));
    const hardware = Uint8Array.of(2, 0, 0, 0xaa, 0xbb, 0xcc);
    inspection.run(packets.map((packet) => ({ ...packet, hardware, inInterface: 7 })));
    const view = new PacketView();
    const attack = packets[SHAKE] as (typeof packets)[number];
    view.decode(attack.bytes, 0, attack.bytes.length);
    expect(inspection.detections).toEqual([
      {
        time: attack.time,
        rule: {
          action: 'drop',
          gid: 1,
          sid: 1,
          rev: 3,
          msg: 'evil path',
          classtype: 'web-application-attack',
          priority: 1,
          metadata: { created: ['2024'], tag: ['a'] },
          references: [expect.stringMatching(/2024-0001/)],
        },
        source: client,
        sourcePort: 40_000,
        destination: server,
        destinationPort: 80,
        protocol: 6,
        version,
        icmpType: 0,
        icmpCode: 0,
        flowId: expect.any(Number),
        direction: 'to_server',
        appProtocol: 'http',
        transaction: {
          protocol: 'http',
          facts: {
            hostname: 'shop.example',
            url: '/evil?x=1',
            http_user_agent: 'curl/8',
            http_method: 'GET',
            protocol: 'HTTP/1.1',
            length: 0,
          },
        },
        txId: 0,
        communityId: communityId(view),
        kind: 'attack',
        category: null,
        protectedEnd: null,
        webAddress: null,
        response: 'block',
        handshake: true,
        blocked: true,
        rejected: false,
        inInterface: 7,
        vlan: [],
        hardwareAddress: '02:00:00:aa:bb:cc',
        frame: SHAKE + 1,
      },
    ]);
    expect(inspection.detections[0]?.flowId).toBeGreaterThan(0);
  });
});

test('packets of other flows pass', async () => {
  const inspection = await Inspection.of(DROP_EVIL);
  inspection.run(new TcpConversation().handshake().client(request('/evil')).packets);
  const other = new TcpConversation({ clientPort: 40_001 })
    .handshake()
    .client(request('/fine'))
    .server(RESPONSE)
    .close();
  expect(inspection.passed(other.packets)).not.toContain(false);
  expect(inspection.sids).toEqual([1]);
});

test('where nothing can be dropped, everything is only told', async () => {
  const inspection = await Inspection.of(DROP_EVIL, { inline: false });
  const { packets } = new TcpConversation()
    .handshake()
    .client(request('/evil'))
    .server(RESPONSE)
    .client(request('/evil2'))
    .close();
  expect(inspection.passed(packets)).not.toContain(false);
  expect(inspection.detections).toMatchObject([
    { blocked: false, txId: 0 },
    { blocked: false, txId: 1, transaction: { facts: { url: '/evil2' } } },
  ]);
  expect(inspection.counter(InspectCounter.ALERTS)).toBe(2);
  expect(inspection.counter(InspectCounter.DROPPED)).toBe(0);
});

test('alert rules drop nothing, and name the side that sent', async () => {
  const inspection = await Inspection.of(
    'alert tcp any any -> any any (flow:established,to_client; content:"200 OK"; sid:2;)',
  );
  const { packets } = new TcpConversation().handshake().client(request('/')).server(RESPONSE).close();
  expect(inspection.passed(packets)).not.toContain(false);
  expect(inspection.detections).toMatchObject([
    {
      source: DEFAULT_SERVER,
      sourcePort: 80,
      destination: DEFAULT_CLIENT,
      destinationPort: 40_000,
      direction: 'to_client',
      blocked: false,
      txId: null,
    },
  ]);
});

describe('pass', () => {
  const rules = [
    'drop tcp any any -> any any (flow:established; content:"evil"; sid:1;)',
    'pass tcp any any -> any any (flow:established; content:"friend"; sid:2;)',
  ].join('\n');

  test('goes before drop in one packet, and for the rest of the flow', async () => {
    const inspection = await Inspection.of(rules);
    const { packets } = new TcpConversation()
      .handshake()
      .client('evil friend')
      .client('evil')
      .server('evil')
      .close();
    expect(inspection.passed(packets)).not.toContain(false);
    expect(inspection.sids).toEqual([]);
    expect(inspection.counter(InspectCounter.PASSED)).toBeGreaterThan(0);
  });

  test('by the headers alone is for that packet only, and is told where it says so', async () => {
    const inspection = await Inspection.of(
      [
        'drop tcp any any -> any any (flow:established; content:"evil"; sid:1;)',
        'pass tcp any any -> any any (flow:not_established; alert; sid:2;)',
      ].join('\n'),
    );
    const { packets } = new TcpConversation().handshake().client('evil');
    expect(inspection.passed(packets.slice(0, SHAKE))).toEqual([true, true, true]);
    expect(inspection.sids).toEqual([2, 2, 2]);
    expect(inspection.passed(packets.slice(SHAKE))[0]).toBe(false);
    expect(inspection.sids).toEqual([2, 2, 2, 1]);
  });

  test('does not bring back what was dropped before', async () => {
    const inspection = await Inspection.of(rules);
    const { packets } = new TcpConversation().handshake().client('evil').client('friend');
    expect(inspection.passed(packets).slice(SHAKE)).not.toContain(true);
  });

  test('of what one datagram holds is about that datagram', async () => {
    const inspection = await Inspection.of(
      rules.replaceAll('tcp', 'udp').replaceAll('flow:established; ', ''),
    );
    const { packets } = new UdpConversation().client('friend, evil').client('evil').server('friend');
    expect(inspection.passed(packets)).toEqual([true, false, true]);
  });

  test('of what a transaction holds is about its flow, over UDP too', async () => {
    const inspection = await Inspection.of(
      [
        'pass dns any any -> any any (dns.query; content:"friend"; sid:1;)',
        'drop udp any any -> any any (content:"evil"; sid:2;)',
      ].join('\n'),
    );
    const query = (name: string) =>
      Buffer.concat([
        Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, name.length]),
        Buffer.from(name),
        Buffer.from([0, 0, 1, 0, 1]),
      ]);
    const { packets } = new UdpConversation({ serverPort: 53 }).client(query('friend')).client(query('evil'));
    expect(inspection.passed(packets)).toEqual([true, true]);
  });
});

describe('an attack is found', () => {
  test('before the greeting of the server, behind much that says nothing', async () => {
    const inspection = await Inspection.of(
      'drop smtp any any -> any any (flow:to_server; smtp.mail_from; content:"evil"; sid:1;)',
    );
    const conversation = new TcpConversation({ serverPort: 25 })
      .handshake()
      .client('XYZZY\r\n'.repeat(300))
      .client('HELO a\r\nMAIL FROM:<evil@example>\r\n');
    const passed = inspection.passed(conversation.packets);
    // What came before it, the segment with it, and what the server says to that.
    expect([passed.indexOf(false), passed.length]).toEqual([passed.length - 2, passed.length]);
  });

  test('behind a message that servers refuse and read on', async () => {
    const inspection = await Inspection.of(
      'drop dns any any -> any 53 (flow:to_server; dns.query; content:"evil"; sid:1;)',
    );
    const query = Buffer.from('00010100000100000000000004 6576696c 0000010001'.replaceAll(' ', ''), 'hex');
    const message = (bytes: Buffer) => Buffer.concat([Buffer.from([0, bytes.length]), bytes]);
    const conversation = new TcpConversation({ serverPort: 53 })
      .handshake()
      .client(message(Buffer.alloc(40, 0xff)))
      .client(message(query));
    const passed = inspection.passed(conversation.packets);
    expect([passed.indexOf(false), passed.length]).toEqual([passed.length - 2, passed.length]);
  });

  test('over UDP, behind whatever else was sent before', async () => {
    const query = Buffer.from('00010100000100000000000004 6576696c 0000010001'.replaceAll(' ', ''), 'hex');
    const invite = 'OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c;branch=z9hG4bK1\r\n\r\n';
    for (const before of [['x'], Array(20).fill('junk'), [invite], [invite, 'x', 'x', 'x', 'x', 'x']]) {
      const inspection = await Inspection.of(
        'drop dns any any -> any 53 (dns.query; content:"evil"; sid:1;)',
      );
      const conversation = new UdpConversation({ serverPort: 53 });
      for (const junk of before) conversation.client(junk);
      expect(inspection.passed(conversation.client(query).packets).at(-1)).toBe(false);
    }
  });

  test('over UDP, behind messages of a protocol that servers on the port do not speak', async () => {
    const query = Buffer.from('00010100000100000000000004 6576696c 0000010001'.replaceAll(' ', ''), 'hex');
    const invite = 'OPTIONS sip:evil@b SIP/2.0\r\nVia: SIP/2.0/UDP c;branch=z9hG4bK1\r\n\r\n';
    const inspection = await Inspection.of(
      'drop sip any any -> any any (flow:to_server; sip.uri; content:"evil"; sid:1;)',
    );
    const behindQuestions = (serverPort: number) =>
      inspection.passed(
        new UdpConversation({ serverPort }).client(query).client(query).client(invite).packets,
      );
    expect(behindQuestions(5060)).toEqual([true, true, false]);
    // Of a port that tells nothing, the first that is of any protocol counts.
    expect(behindQuestions(20_000)).toEqual([true, true, true]);
  });
});

describe('reject', () => {
  test('drops and resets both ends', async () => {
    const inspection = await Inspection.of(
      'reject tcp any any -> any 80 (flow:established,to_server; content:"evil"; sid:1;)',
    );
    const conversation = new TcpConversation().handshake().client('evil', { acknowledge: false });
    expect(inspection.passed(conversation.packets)).toEqual([true, true, true, false]);
    const [toServer, toClient] = inspection.sent.map((bytes) => {
      const view = new PacketView();
      expect(view.decode(bytes, 0, bytes.length)).toBe(0);
      expect(view.tcpFlags & TcpFlag.RST).not.toBe(0);
      expect(verifyTransportChecksum(view)).toBe(true);
      return view;
    });
    expect(inspection.sent).toHaveLength(2);
    expect(toServer).toMatchObject({
      sourcePort: 40_000,
      destinationPort: 80,
      sequence: conversation.sequenceOf('client', 0),
    });
    expect(toClient).toMatchObject({ sourcePort: 80, sequence: conversation.sequenceOf('server', 0) });
    expect(inspection.detections).toMatchObject([{ blocked: true, rejected: true }]);
    expect(inspection.counter(InspectCounter.RESETS_SENT)).toBe(1);
  });

  test('is dropped without a reset where there is no connection', async () => {
    const inspection = await Inspection.of('reject udp any any -> any 53 (content:"evil"; sid:1;)');
    expect(inspection.passed(new UdpConversation().client('evil').packets)).toEqual([false]);
    expect(inspection.sent).toEqual([]);
    expect(inspection.detections).toMatchObject([{ blocked: true, rejected: false, handshake: false }]);
  });

  test('sends nothing where nothing can be dropped', async () => {
    const inspection = await Inspection.of('reject tcp any any -> any 80 (content:"evil"; sid:1;)', {
      inline: false,
    });
    inspection.run(new TcpConversation().handshake().client('evil').packets);
    expect(inspection.sent).toEqual([]);
    expect(inspection.detections).toMatchObject([{ blocked: false, rejected: false }]);
  });
});

describe('flow bits', () => {
  const rules = [
    'alert http any any -> any any (flow:to_server; http.uri; content:"/login"; flowbits:set,login; flowbits:noalert; sid:1;)',
    'drop http any any -> any any (flow:to_client; http.stat_code; content:"500"; flowbits:isset,login; sid:2;)',
  ].join('\n');
  const failing = 'HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n';

  test('connect a request and its response', async () => {
    const inspection = await Inspection.of(rules);
    const { packets } = new TcpConversation().handshake().client(request('/login')).server(failing);
    const passed = inspection.passed(packets);
    expect(inspection.detections).toMatchObject([
      { rule: { sid: 2 }, direction: 'to_client', blocked: true, transaction: { facts: { status: 500 } } },
    ]);
    expect(passed.filter((one) => !one)).toHaveLength(2);
  });

  test('are of one flow only', async () => {
    const inspection = await Inspection.of(rules);
    inspection.run(new TcpConversation().handshake().client(request('/login')).packets);
    const { packets } = new TcpConversation({ clientPort: 2 })
      .handshake()
      .client(request('/'))
      .server(failing);
    expect(inspection.passed(packets)).not.toContain(false);
    expect(inspection.sids).toEqual([]);
  });

  test('are of one connection only when another takes its ports', async () => {
    const inspection = await Inspection.of(rules, { inline: false });
    inspection.run(new TcpConversation().handshake().client(request('/login')).close().packets);
    const { packets } = new TcpConversation({
      clientSequence: 9_000_000,
      serverSequence: 7_000,
      startTime: 1_704_067_400_000_000,
    })
      .handshake()
      .client(request('/'))
      .server(failing);
    inspection.run(packets);
    expect(inspection.sids).toEqual([]);
  });

  test('hold for UDP', async () => {
    const inspection = await Inspection.of(
      [
        'alert udp any any -> any 53 (content:"one"; flowbits:set,one; flowbits:noalert; sid:1;)',
        'alert udp any any -> any any (content:"two"; flowbits:isset,one; sid:2;)',
      ].join('\n'),
    );
    inspection.run(new UdpConversation().client('one').server('two').packets);
    inspection.run(new UdpConversation({ clientPort: 1 }).client('two').packets);
    expect(inspection.detections).toMatchObject([
      { rule: { sid: 2 }, sourcePort: 53, direction: 'to_client' },
    ]);
  });
});

test('a source without a handshake is said to have none', async () => {
  const inspection = await Inspection.of('drop tcp any any -> any any (content:"evil"; sid:1;)', {
    stream: { midstream: true },
  });
  inspection.run(new TcpConversation().segment('client', { payload: 'evil' }).packets);
  expect(inspection.detections).toMatchObject([{ handshake: false, blocked: true, source: DEFAULT_CLIENT }]);
});

test('one packet can match several rules; each is told once for it', async () => {
  const inspection = await Inspection.of(
    [
      'alert tcp any any -> any any (content:"evil"; sid:1;)',
      'drop tcp any any -> any any (content:"vil"; sid:2;)',
      DROP_EVIL.replace('sid:1', 'sid:3'),
    ].join('\n'),
  );
  const verdicts = inspection.run(
    new TcpConversation().handshake().client(request('/evil'), { acknowledge: false }).packets,
  );
  expect(verdicts.at(-1)?.verdict).toBe(Verdict.DROP);
  expect(inspection.sids.sort()).toEqual([1, 2, 3]);
});
