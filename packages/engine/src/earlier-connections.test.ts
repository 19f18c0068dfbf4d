import { TcpConversation } from '@portcullis/testkit';
import { PacketView, TcpFlag } from '@portcullis/wire';
import { Inspection } from '../testing/inspection';
import type { EarlierConnectionSettings } from './earlier-connections';
import { InspectCounter } from './inspect-counters';

const HOUR = 3600 * 1e6;
const rules = 'drop tcp any any -> any 80 (msg:"evil"; content:"evil"; sid:1;)';
const endpoints = {
  4: { client: '192.0.2.10', server: '198.51.100.20' },
  6: { client: '2001:db8::10', server: '2001:db8:1::20' },
} as const;

const inspection = (earlier: Partial<EarlierConnectionSettings> | null, inline = true) =>
  Inspection.of(rules, {
    inline,
    stream: { midstream: true },
    earlier: earlier && { since: 0, kept: [], ...earlier },
  });

/** A conversation of which the handshake is not seen. */
function midstream(family: 4 | 6, startTime = 1e6) {
  const conversation = new TcpConversation({ ...endpoints[family], startTime }).handshake();
  conversation.packets.length = 0;
  return conversation;
}

function decoded(bytes: Uint8Array): PacketView {
  const view = new PacketView();
  expect(view.decode(bytes, 0, bytes.length)).toBe(0);
  return view;
}

describe.each([4, 6] as const)('IPv%d', (family) => {
  test('every packet of a connection from before is dropped, and both ends are reset', async () => {
    const engine = await inspection({});
    const conversation = midstream(family);
    const { packets } = conversation.client('ordinary', { acknowledge: false });
    expect(engine.passed(packets)).toEqual([false]);
    const [toServer, toClient] = engine.sent.map(decoded);
    expect(toServer).toMatchObject({
      destinationPort: 80,
      tcpFlags: TcpFlag.RST | TcpFlag.ACK,
      sequence: conversation.sequenceOf('client', 0),
    });
    expect(toClient).toMatchObject({
      sourcePort: 80,
      tcpFlags: TcpFlag.RST | TcpFlag.ACK,
      sequence: conversation.sequenceOf('server', 0),
    });
    expect(engine.inspector.flowCount).toBe(0);
    // The other end may speak first.
    expect(engine.passed(midstream(family).server('ordinary', { acknowledge: false }).packets)).toEqual([
      false,
    ]);
    expect(engine.sent).toHaveLength(4);
    expect(engine.counter(InspectCounter.EARLIER_RESET)).toBe(2);
  });

  test('connections that begin now pass, also over the same ports', async () => {
    const engine = await inspection({});
    engine.run(midstream(family).client('ordinary').packets);
    const { packets } = new TcpConversation(endpoints[family])
      .handshake()
      .client('ordinary')
      .server('answer')
      .close();
    expect(engine.passed(packets)).not.toContain(false);
    expect(engine.passed(new TcpConversation(endpoints[family]).handshake().packets.slice(1))).not.toContain(
      false,
    );
  });

  test('a reset of theirs passes', async () => {
    const engine = await inspection({});
    const { packets } = midstream(family).reset('client');
    expect(engine.passed(packets)).toEqual([true]);
    expect(engine.sent).toEqual([]);
  });

  test('what is kept is adopted, in both directions, and inspected', async () => {
    const { client, server } = endpoints[family];
    const kept = (port: number) => ({
      kept: [{ local: { address: server, port: 80 }, remote: { address: client, port } }],
    });
    const adopted = await inspection(kept(40_000));
    const conversation = midstream(family).client('ordinary').server('answer');
    expect(adopted.passed(conversation.packets.splice(0))).not.toContain(false);
    expect(adopted.passed(conversation.client('evil', { acknowledge: false }).packets)).toEqual([false]);
    expect(adopted.sids).toEqual([1]);
    const other = await inspection(kept(40_001));
    expect(other.passed(midstream(family).client('ordinary').packets)).not.toContain(true);
  });
});

test('once a forgotten connection cannot be told from one before, all are adopted', async () => {
  const engine = await inspection({ since: 5e6 });
  expect(engine.passed(midstream(4, 5e6 + HOUR - 1e6).client('ordinary').packets)).not.toContain(true);
  expect(engine.passed(midstream(4, 5e6 + HOUR).client('ordinary').packets)).not.toContain(false);
});

test('all are adopted where that is wanted, after a change, and where nothing may be changed', async () => {
  const packets = () => midstream(4).client('ordinary').server('answer').packets;
  expect((await inspection(null)).passed(packets())).not.toContain(false);
  expect((await inspection({}, false)).passed(packets())).not.toContain(false);
  const changed = await inspection({});
  changed.inspector.adoptEarlier();
  expect(changed.passed(packets())).not.toContain(false);
});
