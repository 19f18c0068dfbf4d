/** Place of a transport in `CompiledRuleSet.packetPlans`, by protocol number. */
export const TRANSPORT_INDEX = new Uint8Array(256).fill(5);
TRANSPORT_INDEX[6] = 0;
TRANSPORT_INDEX[17] = 1;
TRANSPORT_INDEX[1] = 2;
TRANSPORT_INDEX[58] = 3;
TRANSPORT_INDEX[132] = 4;
