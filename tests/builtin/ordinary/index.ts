import type { OrdinaryTraffic } from '../exchange';
import { serviceTraffic } from './services';
import { web } from './web';

/** Traffic in which no signature may find anything. */
export const ORDINARY: readonly OrdinaryTraffic[] = [...web, ...serviceTraffic];
