import { SetName } from '@portcullis/firewall';
import { rulesLeftStanding } from './chains';
import type { Circumstances } from './circumstances';
import { type Finding, failed, ok, unknown, warning } from './finding';
import type { IpSet } from './kernel-sets';

/** Above this share of its capacity a set is told. */
const NEARLY_FULL = 0.8;

/** The ban sets are there and have room. */
export function checkBanSets(here: Circumstances): Finding {
  const name = 'ban sets';
  if (here.firewall.problem !== null) return unknown(name, here.firewall.problem);
  const { tables, sets } = here.firewall;
  const standing = rulesLeftStanding(tables, sets);
  if (here.mode === 'monitoring') return ok(name, 'not used: in Monitoring mode nothing is blocked');
  const wanted = tables.map(({ family }) => (family === 4 ? SetName.ban4 : SetName.ban6));
  const missing = wanted.filter((set) => !sets.has(set));
  if (missing.length > 0) {
    const seen = `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not there`;
    if (here.engine.status === null && !standing) return unknown(name, `${seen}: no engine is running`);
    return failed(name, seen, 'restart the engine: it makes its sets and fills them from its ledger');
  }
  const there = wanted.map((set) => sets.get(set) as IpSet);
  const full = there.filter(({ entries, capacity }) => capacity > 0 && entries >= capacity);
  const filled = there.filter(({ entries, capacity }) => capacity > 0 && entries >= NEARLY_FULL * capacity);
  const mend =
    "the engine makes a larger set when it needs one; where its log says that it cannot, restart it, or lift bans with 'portcullis bans remove'";
  if (full.length > 0) return failed(name, `${full.map(fillText).join(', ')}: full`, mend);
  if (filled.length > 0) return warning(name, filled.map(fillText).join(', '), mend);
  return ok(name, there.map(fillText).join(', '));
}

function fillText({ name, entries, capacity }: IpSet): string {
  return `${name} holds ${entries} of ${capacity}`;
}

/** The set of ports that are queued says some. */
export function checkPortSet(here: Circumstances): Finding {
  const name = 'ports set';
  if (here.firewall.problem !== null) return unknown(name, here.firewall.problem);
  if (here.configuration.pcap.length > 0) return ok(name, 'not used: mirrors are watched, nothing is queued');
  const { tables, sets } = here.firewall;
  const set = sets.get(SetName.ports);
  const mend = "'portcullis reload' fills it from the rules; without an engine its next start does";
  if (set === undefined) {
    if (here.engine.status === null && !rulesLeftStanding(tables, sets))
      return unknown(name, `${SetName.ports} is not there: no engine is running`);
    return failed(name, `${SetName.ports} is not there: no TCP connection is queued`, mend);
  }
  const { ports } = here.engine.status ?? {};
  if (set.entries > 0) return ok(name, `${set.entries} TCP ports${ports ? ` (${ports.text})` : ''}`);
  if (ports && ports.text.trim() === 'TCP')
    return warning(
      name,
      'no rule asks for a TCP port, so none is inspected',
      "look at 'rule-files', or say 'scan.ports'",
    );
  return failed(name, `${SetName.ports} is empty: no TCP connection is inspected`, mend);
}
