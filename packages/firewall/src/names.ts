/** Names that users and scripts rely on (chains and sets), each written once. */
export const Chain = {
  /** mangle: queues what belongs to a connection that has a queue. raw: drops what comes from banned addresses. */
  main: 'portcullis',
  /** mangle: asks which of the other packets are queued. */
  unassigned: 'portcullis_new',
  /** mangle: the administrator's own. */
  bypass: 'portcullis_bypass',
  /** mangle: notes, before the bypass chain, which packets may make their connection a bypassed one. */
  enter: 'portcullis_enter',
  /** mangle: what the configuration excludes, asked after the administrator's own chain. */
  exclude: 'portcullis_exclude',
  /** mangle: drops what is forwarded towards banned addresses. */
  ban: 'portcullis_ban',
  /** mangle: asks of a connection's first direction whether it goes towards what is protected. */
  inbound: 'portcullis_in',
  /** mangle: the same of its replies. */
  replies: 'portcullis_reply',
  /** mangle: what is queued, where only connections towards what is protected are. */
  queue: 'portcullis_queue',
  /** mangle: queues connections of which tracking has not seen the beginning, whoever it takes for their client. */
  takenUp: 'portcullis_taken',
  /** mangle and filter: saves our bits of the packet mark into the connection mark, after the queue. */
  save: 'portcullis_save',
  /** mangle INPUT: notes attempts to connect to ports that are to look open. */
  decoy: 'portcullis_decoy',
  /** mangle PREROUTING: leads their repetition to whoever accepts them. */
  divert: 'portcullis_divert',
  /** raw: drops what this host sends to banned addresses. */
  out: 'portcullis_out',
} as const;

export const SetName = {
  ban4: 'portcullis_ban4',
  ban6: 'portcullis_ban6',
  ports: 'portcullis_ports',
  decoyPorts: 'portcullis_decoy',
  /** Who has tried to reach which decoy a moment ago. */
  decoySeen4: 'portcullis_seen4',
  decoySeen6: 'portcullis_seen6',
} as const;

/** What a set is called while it is being filled, before it is swapped in. */
export const NextSet = {
  [SetName.ban4]: 'portcullis_ban4_next',
  [SetName.ban6]: 'portcullis_ban6_next',
  [SetName.ports]: 'portcullis_ports_next',
} as const;

export type Table = 'filter' | 'raw' | 'mangle';
/** mangle last: nothing is queued before the rest stands. */
export const TABLES: readonly Table[] = ['filter', 'raw', 'mangle'];

/** Chains of ours that can stand in a table; the bypass chain is the administrator's and not among them. */
export const OWN_CHAINS: Record<Table, readonly string[]> = {
  filter: [Chain.save],
  raw: [Chain.main, Chain.out],
  mangle: [
    Chain.main,
    Chain.unassigned,
    Chain.enter,
    Chain.exclude,
    Chain.inbound,
    Chain.replies,
    Chain.queue,
    Chain.takenUp,
    Chain.ban,
    Chain.save,
    Chain.decoy,
    Chain.divert,
  ],
};

export type Family = 4 | 6;

/** Of an address or prefix. */
export const familyOf = (prefix: string): Family => (prefix.includes(':') ? 6 : 4);
