import type { CompiledRule } from '@portcullis/matcher';
import { ACTIVITY_CATEGORIES, ATTACKS_FROM_WITHIN } from '@portcullis/rules';
import { AddressPrefixes } from '@portcullis/wire';
import { type Exemption, Exemptions } from './exemptions';

/**
 * What is done about a detection: the packet is dropped, and the attacker banned (a client that asks for a web address is
 * told so instead); dropped only; told; nothing. `isolate`: as `drop`, and the protected host whose activity it is may
 * not go out any more.
 */
export type DetectionResponse = 'isolate' | 'block' | 'drop' | 'notify' | 'ignore';

/** What a detection is: an attempt to get in, what protected hosts ask for or do, or something worth a line. */
export type DetectionKind = 'attack' | 'web-address' | 'network-activity' | 'information';

/** One row of the table that says what the match of a rule is. What a row does not say fits every rule. */
export interface KindRow {
  readonly action?: readonly string[] | undefined;
  readonly class?: readonly string[] | undefined;
  /** The least and the greatest `priority` of the rule; 1 is the gravest. */
  readonly priority?: { readonly low: number; readonly high: number } | undefined;
  /** Keys of the rule's `metadata`, each with the values of which one is enough; any case. */
  readonly metadata?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Direction of the packet that matched. */
  readonly direction?: 'to_server' | 'to_client' | undefined;
  /** The rule's `target`: which end is the victim. */
  readonly target?: 'src_ip' | 'dest_ip' | undefined;
  readonly kind: Exclude<DetectionKind, 'web-address'>;
  /** Of network activity: the name under which `activityResponses` say what is done about it. */
  readonly category?: string | undefined;
  /** Instead of what is done about its category or kind. */
  readonly response?: DetectionResponse | undefined;
}

/** Plain data that crosses threads. */
export interface DetectionPolicySettings {
  /** The first row that fits counts; a rule that fits none is `information`. */
  readonly kinds: readonly KindRow[];
  readonly responses: Readonly<Record<Exclude<DetectionKind, 'information'>, DetectionResponse>>;
  /** By category of network activity: instead of what is done about its kind. */
  readonly activityResponses?: Readonly<Record<string, DetectionResponse | undefined>>;
  /** By category of web addresses: instead of what is done about their kind. */
  readonly webAddressResponses?: Readonly<Record<string, DetectionResponse>>;
  /** HTML for whoever asks for a blocked web address over HTTP; null: the connection is reset. */
  readonly blockPage?: string | null;
  /** Whom attacks are aimed at; what comes from there is no attack but network activity. */
  readonly protectedNetworks: readonly string[];
  /** Indexes of the interfaces behind which they are. */
  readonly protectedInterfaces: readonly number[];
  /** Whose detections are not acted on, and who is not looked at; the first that fits counts. */
  readonly exemptions: readonly Exemption[];
  /** Senders are banned that may be forged. */
  readonly bansWithoutHandshake?: boolean;
}

/** What is to be done, and why. */
export interface Decision {
  readonly kind: DetectionKind;
  readonly response: DetectionResponse;
  readonly category: string | null;
}

/** Place of a rule that was not asked about yet. */
const UNKNOWN = 255;

/**
 * Says what the match of each rule is and what is done about it. A rule is asked about once, at its first match; any
 * other costs a look into a table.
 */
export class DetectionPolicy {
  private readonly decisions: readonly Decision[];
  /** By rule number times two plus direction: place in `decisions`, or `UNKNOWN`. */
  private readonly places: Uint8Array;
  private readonly tests: readonly ((rule: CompiledRule, direction: number) => boolean)[];
  /** What an attack is that comes from the protected side. */
  private readonly fromWithin: (rule: CompiledRule) => Decision;
  /** HTML; null: connections are reset. */
  readonly blockPage: string | null;
  readonly bansWithoutHandshake: boolean;
  readonly exemptions: Exemptions;
  private readonly networks: AddressPrefixes;
  private readonly interfaces: ReadonlySet<number>;

  /** @param ruleCount numbers of the rules are lower */
  constructor(
    private readonly settings: DetectionPolicySettings,
    ruleCount: number,
  ) {
    const { kinds, responses, activityResponses = {} } = settings;
    if (kinds.length > 254) throw new RangeError('the table of detection kinds has more than 254 rows');
    const respond = (kind: DetectionKind): DetectionResponse =>
      kind === 'information' ? 'notify' : responses[kind];
    this.decisions = [
      { kind: 'information', response: 'notify', category: null },
      ...kinds.map(({ kind, response, category: named }) => {
        const category = kind === 'network-activity' ? (named ?? null) : null;
        const usual = category === null ? undefined : activityResponses[category];
        return { kind, response: response ?? usual ?? respond(kind), category };
      }),
    ];
    this.bansWithoutHandshake = settings.bansWithoutHandshake === true;
    this.blockPage = settings.blockPage ?? null;
    this.networks = new AddressPrefixes(settings.protectedNetworks);
    this.interfaces = new Set(settings.protectedInterfaces);
    this.exemptions = new Exemptions(settings.exemptions);
    this.places = new Uint8Array(ruleCount * 2).fill(UNKNOWN);
    this.tests = kinds.map(rowTest);
    this.fromWithin = decisionsFromWithin(settings);
  }

  private placeOf(rule: CompiledRule, direction: 0 | 1): number {
    const at = rule.number * 2 + direction;
    const known = this.places[at] as number;
    if (known !== UNKNOWN) return known;
    const place = isMarker(rule) ? 0 : this.tests.findIndex((fits) => fits(rule, direction)) + 1;
    this.places[at] = place;
    return place;
  }

  /** @param byProtected the attacker is on the protected side */
  decide(rule: CompiledRule, direction: 0 | 1, byProtected: boolean): Decision {
    const decision = this.decisions[this.placeOf(rule, direction)] as Decision;
    if (!byProtected || decision.kind !== 'attack') return decision;
    return this.fromWithin(rule);
  }

  /** What is done about web addresses of a category. */
  webAddressResponse(category: string): DetectionResponse {
    const { webAddressResponses = {}, responses } = this.settings;
    return Object.hasOwn(webAddressResponses, category)
      ? (webAddressResponses[category] as DetectionResponse)
      : responses['web-address'];
  }

  /** True for the protected side: by its address, or by the interface that the packet came in. */
  protects(address: Uint32Array, inInterface: number): boolean {
    return this.interfaces.has(inInterface) || this.networks.has(address);
  }
}

/** What would be an attack is network activity of the protected host: of the category that its class has, else its own. */
function decisionsFromWithin({ kinds, responses, activityResponses = {} }: DetectionPolicySettings) {
  const categories = new Map<string, string>();
  for (const { kind, category, class: classes = [] } of kinds) {
    if (kind !== 'network-activity' || category === undefined) continue;
    for (const name of classes) if (!categories.has(name)) categories.set(name, category);
  }
  const made = new Map<string, Decision>();
  return ({ action, classtype }: CompiledRule): Decision => {
    const category = categories.get(classtype ?? '') ?? ATTACKS_FROM_WITHIN;
    const usual = activityResponses[category] ?? responses['network-activity'];
    // Whoever writes `drop` means it, also for what a protected host sends; it is not banned for it.
    const response = action === 'alert' || usual === 'isolate' ? usual : 'drop';
    const key = `${category} ${response}`;
    const decision = made.get(key) ?? { kind: 'network-activity', response, category };
    made.set(key, decision);
    return decision;
  };
}

/** Rules that only remember something for others are never acted on. */
function isMarker(rule: CompiledRule): boolean {
  return rule.noAlert && rule.action === 'alert';
}

function rowTest(row: KindRow): (rule: CompiledRule, direction: number) => boolean {
  const actions = row.action && new Set(row.action);
  const classes = row.class && new Set(row.class);
  const direction = row.direction === undefined ? null : row.direction === 'to_server' ? 0 : 1;
  const metadata = Object.entries(row.metadata ?? {}).map(
    ([key, values]) => [key.toLowerCase(), new Set(values.map((value) => value.toLowerCase()))] as const,
  );
  return (rule, packetDirection) => {
    if (actions && !actions.has(rule.action)) return false;
    if (classes && !classes.has(rule.classtype ?? '')) return false;
    if (row.priority && (rule.priority < row.priority.low || rule.priority > row.priority.high)) return false;
    if (direction !== null && direction !== packetDirection) return false;
    if (row.target && rule.target !== row.target) return false;
    return metadata.length === 0 || hasMetadata(rule, metadata);
  };
}

function hasMetadata(
  rule: CompiledRule,
  wanted: readonly (readonly [string, ReadonlySet<string>])[],
): boolean {
  const present = new Map([...rule.metadata].map(([key, values]) => [key.toLowerCase(), values]));
  return wanted.every(
    ([key, values]) => present.get(key)?.some((value) => values.has(value.toLowerCase())) === true,
  );
}

/** Rules whose authors say what to do; every way of rejecting. */
const ACTING = ['drop', 'reject', 'rejectsrc', 'rejectdst', 'rejectboth'];
/** Attempts to get in, by the classes of classification.config. */
const INTRUSION = [
  'attempted-admin',
  'attempted-user',
  'attempted-dos',
  'denial-of-service',
  'shellcode-detect',
  'successful-admin',
  'successful-user',
  'web-application-attack',
];

/**
 * What is an attack unless the configuration says otherwise. Requests that try to get in are; answers are not, because
 * patterns for answers are the ones that ordinary downloads match. Rules for exploits that Emerging Threats classes as
 * malware are known by their category.
 */
export const DEFAULT_KINDS: readonly KindRow[] = [
  { action: ACTING, kind: 'attack' },
  { target: 'src_ip', kind: 'information' },
  { class: INTRUSION, direction: 'to_server', kind: 'attack' },
  {
    class: ['trojan-activity', 'exploit-kit', 'misc-attack'],
    metadata: { former_category: ['EXPLOIT'], signature_severity: ['Major', 'Critical'] },
    direction: 'to_server',
    kind: 'attack',
  },
  ...Object.entries(ACTIVITY_CATEGORIES).map(
    ([category, classes]): KindRow => ({ class: classes, kind: 'network-activity', category }),
  ),
];

/** The table and responses of a gateway that is told nothing else. */
export const DEFAULT_DETECTION_POLICY: DetectionPolicySettings = {
  kinds: DEFAULT_KINDS,
  responses: { attack: 'block', 'web-address': 'block', 'network-activity': 'notify' },
  protectedNetworks: [],
  protectedInterfaces: [],
  exemptions: [],
};
