/**
 * The rules of a hook that lead to our chains. One that need not be entered by most packets is led to with its condition:
 * every rule that is asked costs each packet, and a jump is one.
 */

/** @param condition matches in the words of iptables-save: what stands is compared with what was asked for */
export function jump(chain: string, condition = ''): string {
  return condition === '' ? `-j ${chain}` : `${condition} -j ${chain}`;
}

/** The chain that a rule leads to, as its last word; undefined where it leads to none. */
export function targetOf(rule: string): string | undefined {
  return /(?:^| )-[jg] (\S+)$/.exec(rule)?.[1];
}

/** With any other condition a rule that leads to a chain of ours is somebody else's. */
const OWN_CONDITIONS = [
  /^-m set --match-set portcullis_ban[46] dst ! --update-counters$/,
  /^-m conntrack --ctdir ORIGINAL$/,
  /^-m mark ! --mark 0x0\/0x[0-9a-f]+$/,
];

/** Whether we have written a rule of a hook that leads to this chain: in this run, with this mark mask, or in another. */
export function isOwnJump(rule: string, chain: string): boolean {
  const bare = jump(chain);
  if (rule === bare) return true;
  return rule.endsWith(` ${bare}`) && OWN_CONDITIONS.some((own) => own.test(rule.slice(0, -bare.length - 1)));
}
