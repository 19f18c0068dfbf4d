import { BufferPool } from '../buffer-pool';
import { Frames } from '../frames/frames';
import type { HeldTransaction } from '../records/held-transaction';
import { type ProtocolDefinition, type Transaction, Transport } from '../transaction';
import { MQTT_BUFFERS, MQTT_FRAMES, MqttBuffer, MqttType } from './buffers';
import { MqttEvent, MqttParser } from './parser';
import { looksLikeMqtt } from './probe';

/** Topics of a transaction that an alert tells. */
const TOLD_TOPICS = 16;
const TYPE_NAMES = new Map(
  Object.entries(MqttType).map(([name, value]) => [value as number, name.toLowerCase()]),
);

/** MQTT as a protocol definition; its parsers share a pool, so there is one per worker. */
export function createMqtt(): ProtocolDefinition {
  const pool = new BufferPool();
  const frames = new Frames('mqtt', MQTT_FRAMES);
  return {
    name: 'mqtt',
    transports: [Transport.TCP],
    parserBytes: { tcp: 850 },
    buffers: [...MQTT_BUFFERS, ...frames.buffers],
    frames,
    events: Object.values(MqttEvent),
    probe: looksLikeMqtt,
    create: (listener) => new MqttParser(pool, frames, listener),
    describe,
  };
}

/** An object for each message, under the name of its type. */
function describe(transaction: Transaction): Record<string, unknown> {
  const tx = transaction as HeldTransaction;
  const { direction } = tx;
  const told: Record<string, unknown> = {};
  for (let index = 0; ; index++) {
    const type = tx.number(direction, MqttBuffer.TYPE, index);
    if (type === undefined) return told;
    const flags = tx.number(direction, MqttBuffer.FLAGS, index) ?? 0;
    const message: Record<string, unknown> = {
      qos: (flags >> 1) & 3,
      retain: (flags & 1) !== 0,
      dup: (flags & 8) !== 0,
    };
    const tell = (name: string, id: number) => {
      const text = tx.text(direction, id);
      if (text !== undefined) message[name] = text;
    };
    const topics = (id: number) => {
      const texts: string[] = [];
      for (let i = 0; i < TOLD_TOPICS; i++) {
        const text = tx.text(direction, id, i);
        if (text === undefined) break;
        texts.push(text);
      }
      message.topics = texts;
    };
    if (type === MqttType.CONNECT) {
      message.protocol_version = tx.number(direction, MqttBuffer.PROTOCOL_VERSION);
      tell('protocol_string', MqttBuffer.CONNECT_PROTOCOL_STRING);
      tell('client_id', MqttBuffer.CONNECT_CLIENTID);
      tell('username', MqttBuffer.CONNECT_USERNAME);
      tell('password', MqttBuffer.CONNECT_PASSWORD);
    } else if (type === MqttType.PUBLISH) {
      tell('topic', MqttBuffer.PUBLISH_TOPIC);
      tell('message', MqttBuffer.PUBLISH_MESSAGE);
    } else if (type === MqttType.SUBSCRIBE) topics(MqttBuffer.SUBSCRIBE_TOPIC);
    else if (type === MqttType.UNSUBSCRIBE) topics(MqttBuffer.UNSUBSCRIBE_TOPIC);
    told[TYPE_NAMES.get(type) ?? 'unassigned'] = message;
  }
}
