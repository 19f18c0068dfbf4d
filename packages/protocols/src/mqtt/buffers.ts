/**
 * The buffers that MQTT (versions 3.1, 3.1.1 and 5) has for rules. A transaction is a message with its answers; it travels
 * in the direction of the message that began it, and all its buffers are looked at in that direction.
 */

import { FIRST_BUFFER } from '../buffer-ranges';
import { type BufferDefinition, Direction, type IntegerBuffer } from '../transaction';

const FIRST = FIRST_BUFFER.mqtt;

export const MqttBuffer = {
  TYPE: FIRST,
  FLAGS: FIRST + 1,
  QOS: FIRST + 2,
  REASON_CODE: FIRST + 3,
  PROTOCOL_VERSION: FIRST + 4,
  CONNECT_FLAGS: FIRST + 5,
  CONNECT_CLIENTID: FIRST + 6,
  CONNECT_USERNAME: FIRST + 7,
  CONNECT_PASSWORD: FIRST + 8,
  CONNECT_WILLTOPIC: FIRST + 9,
  CONNECT_WILLMESSAGE: FIRST + 10,
  CONNECT_PROTOCOL_STRING: FIRST + 11,
  CONNACK_SESSION_PRESENT: FIRST + 12,
  PUBLISH_TOPIC: FIRST + 13,
  PUBLISH_MESSAGE: FIRST + 14,
  SUBSCRIBE_TOPIC: FIRST + 15,
  UNSUBSCRIBE_TOPIC: FIRST + 16,
  CONNACK_RETURN_CODE: FIRST + 17,
} as const;

/** Progress of a transaction. */
export const MqttProgress = {
  /** The message that begins it is there. */
  MESSAGE: 1,
  /** Its answers are there too, or none will come. */
  COMPLETE: 2,
} as const;

/** Control packet types (MQTT 5 section 2.1.2). */
export const MqttType = {
  CONNECT: 1,
  CONNACK: 2,
  PUBLISH: 3,
  PUBACK: 4,
  PUBREC: 5,
  PUBREL: 6,
  PUBCOMP: 7,
  SUBSCRIBE: 8,
  SUBACK: 9,
  UNSUBSCRIBE: 10,
  UNSUBACK: 11,
  PINGREQ: 12,
  PINGRESP: 13,
  DISCONNECT: 14,
  AUTH: 15,
} as const;

const TYPE_NAMES = new Map<string, number>(
  Object.entries(MqttType).map(([name, value]) => [name.toLowerCase(), value] as const),
).set('unassigned', 0);

/** Bits of the fixed header's first byte that rules name. */
const HEADER_FLAGS = new Map([
  ['retain', 0x01],
  ['dup', 0x08],
]);

/** Bits of the connect flags (section 3.1.2.3). */
const CONNECT_FLAGS = new Map([
  ['username', 0x80],
  ['password', 0x40],
  ['will_retain', 0x20],
  ['will', 0x04],
  ['clean_session', 0x02],
]);

const YES_AND_NO = new Map([
  ['yes', 1],
  ['true', 1],
  ['no', 0],
  ['false', 0],
]);

const { MESSAGE, COMPLETE } = MqttProgress;
const BOTH = [Direction.TO_SERVER, Direction.TO_CLIENT] as const;

function row(id: number, name: string, progress: number, multiple = false): BufferDefinition {
  return { name, id, protocol: 'mqtt', directions: BOTH, progress, streaming: false, multiple };
}

function integer(
  id: number,
  name: string,
  progress: number,
  multiple: boolean,
  form: Omit<IntegerBuffer, 'bytes'> = {},
): BufferDefinition {
  return { ...row(id, name, progress, multiple), integer: { bytes: 1, ...form } };
}

const B = MqttBuffer;

export const MQTT_BUFFERS: readonly BufferDefinition[] = [
  integer(B.TYPE, 'mqtt.type', COMPLETE, true, { names: TYPE_NAMES }),
  integer(B.FLAGS, 'mqtt.flags', COMPLETE, true, { names: HEADER_FLAGS, flags: true }),
  integer(B.QOS, 'mqtt.qos', COMPLETE, true),
  integer(B.REASON_CODE, 'mqtt.reason_code', COMPLETE, true),
  integer(B.CONNACK_RETURN_CODE, 'mqtt.connack.return_code', COMPLETE, true),
  integer(B.PROTOCOL_VERSION, 'mqtt.protocol_version', MESSAGE, false),
  integer(B.CONNECT_FLAGS, 'mqtt.connect.flags', MESSAGE, true, { names: CONNECT_FLAGS, flags: true }),
  row(B.CONNECT_CLIENTID, 'mqtt.connect.clientid', MESSAGE),
  row(B.CONNECT_USERNAME, 'mqtt.connect.username', MESSAGE),
  row(B.CONNECT_PASSWORD, 'mqtt.connect.password', MESSAGE),
  row(B.CONNECT_WILLTOPIC, 'mqtt.connect.willtopic', MESSAGE),
  row(B.CONNECT_WILLMESSAGE, 'mqtt.connect.willmessage', MESSAGE),
  row(B.CONNECT_PROTOCOL_STRING, 'mqtt.connect.protocol_string', MESSAGE),
  integer(B.CONNACK_SESSION_PRESENT, 'mqtt.connack.session_present', COMPLETE, false, { names: YES_AND_NO }),
  row(B.PUBLISH_TOPIC, 'mqtt.publish.topic', MESSAGE),
  row(B.PUBLISH_MESSAGE, 'mqtt.publish.message', MESSAGE),
  row(B.SUBSCRIBE_TOPIC, 'mqtt.subscribe.topic', MESSAGE, true),
  row(B.UNSUBSCRIBE_TOPIC, 'mqtt.unsubscribe.topic', MESSAGE, true),
];

/** A message as it travelled, its fixed header, and what follows that. */
export const MqttFrame = { PDU: 0, HEADER: 1, DATA: 2 } as const;
export const MQTT_FRAMES = ['pdu', 'header', 'data'] as const;
