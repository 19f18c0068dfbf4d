import {
  DecodeEvents,
  DecodeStatus,
  findDecodeEvents,
  LinkStatus,
  LinkType,
  LinkView,
  PacketView,
  STANDARD_TUNNEL_PORTS,
  TunnelView,
  verifyHeaderChecksum,
  verifyTransportChecksum,
} from '@portcullis/wire';
import { packetSeeds } from '../packet-seeds';
import { claim, type FuzzRun, type FuzzTarget } from '../target';

const LINK_TYPES = Object.values(LinkType);
/** Bytes around the packet, which must not matter. */
const BEFORE = 5;

/** A packet is read twice, with different bytes around it: both have to say the same. */
class PacketRun implements FuzzRun {
  private readonly view = new PacketView();
  private readonly tunnel = new TunnelView(STANDARD_TUNNEL_PORTS);
  private readonly events = new DecodeEvents();

  run(input: Uint8Array): void {
    claim(this.read(input, 0) === this.read(input, 0xff), 'bytes outside the packet matter');
  }

  private read(input: Uint8Array, around: number): string {
    const { view, tunnel, events } = this;
    const bytes = new Uint8Array(BEFORE + input.length + 64).fill(around);
    bytes.set(input, BEFORE);
    const end = BEFORE + input.length;
    events.clear();
    findDecodeEvents(bytes, BEFORE, end, events);
    const status = view.decode(bytes, BEFORE, end);
    if (status !== DecodeStatus.OK) return `${status} ${events.names().join()}`;
    view.decodeTcpOptions();
    const inOrder =
      BEFORE <= view.transport && view.transport <= view.payload && view.payload <= view.payloadEnd;
    claim(inOrder && view.payloadEnd <= view.end && view.end <= end, 'positions are out of order');
    const whole = view.truncated ? '' : `${verifyHeaderChecksum(view)} ${verifyTransportChecksum(view)}`;
    const tunnelled = view.fragmentOffset === 0 && !view.moreFragments && tunnel.decode(view);
    if (tunnelled)
      claim(
        tunnel.start > BEFORE && tunnel.start <= tunnel.end && tunnel.end <= end,
        'a tunnel leads out of its packet',
      );
    const { payload, payloadEnd, sourcePort, mss, windowScale, timestampValue } = view;
    return [
      whole,
      tunnelled ? `${tunnel.start} ${tunnel.end}` : tunnel.event,
      events.names(),
      [payload, payloadEnd, sourcePort, mss, windowScale, timestampValue],
    ].join(' ');
  }
}

/** The first byte says which link. */
class FrameRun implements FuzzRun {
  private readonly link = new LinkView();
  private readonly view = new PacketView();

  run(input: Uint8Array): void {
    const { link, view } = this;
    const bytes = new Uint8Array(BEFORE + input.length + 8).fill(0xee);
    bytes.set(input.subarray(1), BEFORE);
    const end = BEFORE + Math.max(0, input.length - 1);
    const type = LINK_TYPES[(input[0] ?? 0) % LINK_TYPES.length] as number;
    const status = link.decode(type, bytes, BEFORE, end);
    if (status !== LinkStatus.OK) return;
    claim(link.network >= BEFORE && link.network <= end, 'the packet lies outside of its frame');
    view.decode(bytes, link.network, end);
  }
}

export function packetTargets(): readonly FuzzTarget[] {
  return [
    {
      name: 'packet/ip',
      shape: 'bytes',
      weight: 2,
      seeds: () => packetSeeds(),
      start: () => new PacketRun(),
    },
    {
      name: 'packet/frame',
      shape: 'bytes',
      weight: 1,
      seeds: () =>
        packetSeeds().flatMap((packet) =>
          LINK_TYPES.slice(0, 4).map((_, type) =>
            Buffer.concat([Buffer.of(type), Buffer.alloc(12, 2), Buffer.of(8, 0), packet]),
          ),
        ),
      start: () => new FrameRun(),
    },
  ];
}
