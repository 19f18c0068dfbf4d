/** The keys below `outputs`: where events go beside the EVE file. */
import type { SyslogFacility } from '@portcullis/events';
import * as z from 'zod';
import { parseDuration, parseSize } from './quantities';
import { between, group, quantity, wordOf, yesOrNo } from './values';

/** Loaded where one of its outputs is configured. */
const eventsPackage = () => require('@portcullis/events') as typeof import('@portcullis/events');

const KILOBYTE = 1024;
const MEGABYTE = 1024 ** 2;
const GIGABYTE = 1024 ** 3;

/** A part that is not there unless somebody asks for it; `off` takes away what another source asked for. */
const offOr = <T extends z.ZodType>(schema: T) =>
  z
    .preprocess((value) => (value === 'off' || value === false ? undefined : value), schema.optional())
    .optional();

const path = z.string().regex(/^\/.{0,4095}$/, 'is not an absolute path');
/** Of a UNIX socket (unix(7): sun_path). */
const socketPath = z.string().regex(/^\/.{0,106}$/, 'is not an absolute path of at most 107 characters');
const events = z
  .array(wordOf(() => eventsPackage().eventTypes))
  .min(1)
  .default(() => [...eventsPackage().eventTypes]);
const server = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]{2,45}\]|[^\s:/[\]]{1,253}):\d{1,5}$/, 'is not HOST:PORT')
  .refine((text) => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65535, 'has a port above 65535');
const name = (longest: number) => z.string().regex(new RegExp(`^[!-~]{1,${longest}}$`), 'is not a name');

const socket = z.preprocess(
  (value) => (typeof value === 'string' ? { path: value } : value),
  z.strictObject({ path: socketPath, events }),
);

const syslog = z
  .strictObject({
    transport: z.enum(['udp', 'tcp', 'tls', 'local']).default('tcp'),
    address: server.optional(),
    socket: socketPath.optional(),
    format: z.enum(['json', 'cef']).default('json'),
    facility: wordOf(() => Object.keys(eventsPackage().syslogFacilities) as SyslogFacility[]).default(
      'local0',
    ),
    hostname: name(255).optional(),
    'app-name': name(48).default('portcullis'),
    'max-size': quantity(parseSize, between(KILOBYTE, 65_000, 'bytes')).prefault('8kb'),
    ca: path.optional(),
    verify: yesOrNo.default(true),
    events,
  })
  .superRefine(({ transport, address, socket: local, ca }, context) => {
    const wrong = (key: string, message: string) =>
      context.addIssue({ code: 'custom', path: [key], message });
    if (transport === 'local' && address !== undefined) wrong('address', 'goes with udp, tcp and tls only');
    if (transport !== 'local' && address === undefined)
      wrong('address', `is needed with ${transport}: HOST:PORT`);
    if (transport !== 'local' && local !== undefined) wrong('socket', 'goes with local only');
    if (transport !== 'tls' && ca !== undefined) wrong('ca', 'goes with tls only');
  });

function isHttps(text: string): boolean {
  try {
    return new URL(text).protocol === 'https:';
  } catch {
    return false;
  }
}

const webhook = z.strictObject({
  url: z.string().max(4096).refine(isHttps, 'is not an https URL'),
  batch: z.int().min(1).max(10_000).default(100),
  format: z.enum(['json', 'ndjson']).default('json'),
  headers: z
    .record(
      z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'is not the name of a header'),
      z.string().regex(/^[\t\x20-\x7e]{0,4096}$/, 'is not the value of a header'),
    )
    .default({}),
  'secret-file': path.optional(),
  timeout: quantity(parseDuration, between(1, 300, 'seconds')).prefault('30s'),
  ca: path.optional(),
  verify: yesOrNo.default(true),
  events,
});

export const outputs = group({
  eve: z.string().min(1).default('eve.json'),
  socket: offOr(socket),
  syslog: offOr(syslog),
  webhook: offOr(webhook),
  spool: group({
    /** Default: `spool` in the state directory. */
    directory: path.optional(),
    /** Of each output that has one. */
    size: quantity(parseSize, between(4 * MEGABYTE, 1024 * GIGABYTE, 'bytes')).prefault('256mb'),
  }),
});
