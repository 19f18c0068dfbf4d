/** Whether bytes are the beginning of an MQTT connection. */

import { type Direction, Direction as Directions, type ProbedFlow } from '../transaction';
import { MqttType } from './buffers';
import { fixedHeader, readFixedHeader } from './message';

const T = MqttType;
/** Where a conversation may be joined after CONNECT. */
const MQTT_PORT = 1883;
const MQ = [0x4d, 0x51];

/** @returns 1 yes, 0 too few bytes to tell, -1 no */
export function looksLikeMqtt(
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  flow: ProbedFlow,
): number {
  if (start >= end) return 0;
  const joined = flow.serverPort === MQTT_PORT;
  if (bytes[start] !== T.CONNECT << 4 && !joined) return -1;
  const known = readFixedHeader(bytes, start, end);
  if (known <= 0) return known;
  const { type, flags, qos, size, remaining } = fixedHeader;
  const body = start + size;
  switch (type) {
    case T.CONNECT: {
      if (direction === Directions.TO_CLIENT || flags !== 0 || remaining < 10) return -1;
      // Two bytes of length, then "MQTT" or "MQIsdp".
      const prefix = [0, -1, ...MQ];
      for (let i = 0; i < prefix.length; i++) {
        if (body + i >= end) return 0;
        const c = bytes[body + i];
        if (i === 1 ? c !== 4 && c !== 6 : c !== prefix[i]) return -1;
      }
      return 1;
    }
    case T.PUBLISH:
      if (qos > 2 || remaining < 2) return -1;
      if (body + 2 > end) return 0;
      return ((bytes[body] << 8) | bytes[body + 1]) + 2 <= remaining ? 1 : -1;
    case T.CONNACK:
      if (flags !== 0 || remaining < 2) return -1;
      if (body >= end) return 0;
      return bytes[body] <= 1 ? 1 : -1;
    case T.SUBSCRIBE:
    case T.UNSUBSCRIBE:
    case T.PUBREL:
      return flags === 2 && remaining >= 2 ? 1 : -1;
    case T.PINGREQ:
    case T.PINGRESP:
      return flags === 0 && remaining === 0 ? 1 : -1;
    case 0:
      return -1;
    default:
      return flags === 0 ? 1 : -1;
  }
}
