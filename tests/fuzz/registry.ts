/** All targets in TypeScript. A new one is a file in `targets/` and a line here; a new protocol needs neither. */

import type { FuzzTarget } from './target';
import { captureFileTargets } from './targets/capture-file';
import { configurationTargets } from './targets/configuration';
import { contentCodingTargets } from './targets/content-coding';
import { controlSocketTargets } from './targets/control-socket';
import { inspectorTargets } from './targets/inspector';
import { packetTargets } from './targets/packet';
import { patternSetTargets } from './targets/pattern-sets';
import { protocolTargets } from './targets/protocol';
import { reassemblyTargets } from './targets/reassembly';
import { ruleArchiveTargets } from './targets/rule-archive';
import { ruleLanguageTargets } from './targets/rule-language';
import { rulesAndTrafficTargets } from './targets/rules-and-traffic';
import { webAddressTargets } from './targets/web-addresses';

export function allTargets(): readonly FuzzTarget[] {
  return [
    ...protocolTargets(),
    ...packetTargets(),
    ...patternSetTargets(),
    ...reassemblyTargets(),
    ...contentCodingTargets(),
    ...ruleLanguageTargets(),
    ...configurationTargets(),
    ...captureFileTargets(),
    ...controlSocketTargets(),
    ...ruleArchiveTargets(),
    ...webAddressTargets(),
    ...inspectorTargets(),
    ...rulesAndTrafficTargets(),
  ];
}

export function findTarget(name: string): FuzzTarget {
  const target = allTargets().find((each) => each.name === name);
  if (target === undefined) throw new Error(`there is no target ${name}`);
  return target;
}
