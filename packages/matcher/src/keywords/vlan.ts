import { integerRange } from '../integer-range';
import { FlowFact, type Keyword } from '../keyword';
import { argumentsOf, invalid } from '../option-value';
import { PayloadMode } from '../rule-builder';

/** IEEE 802.1Q: where the first tag is in an Ethernet frame, how long each is, and the types that announce one. */
const FIRST_TYPE = 12;
const TAG_LENGTH = 4;
const TAG_TYPES: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100, 0x9200]);
const MOST_LAYERS = 3;
const LARGEST_ID = 4095;

/** Ids of the tags of the packet in hand, the outermost first. */
const ids = new Uint16Array(MOST_LAYERS);

/** Fills `ids` from an Ethernet header. @returns how many there are */
function readIds(bytes: Uint8Array, start: number, end: number): number {
  let layers = 0;
  let at = start + FIRST_TYPE;
  while (layers < MOST_LAYERS && at + TAG_LENGTH <= end) {
    if (!TAG_TYPES.has((bytes[at] << 8) | bytes[at + 1])) break;
    ids[layers++] = ((bytes[at + 2] << 8) | bytes[at + 3]) & LARGEST_ID;
    at += TAG_LENGTH;
  }
  return layers;
}

/** `vlan.id:[op]number[,layer|any|all]`: layers count from the outermost, or below 0 from the innermost. */
const vlanId: Keyword = {
  names: ['vlan.id'],
  parse(option, rule) {
    const [number, layer, more] = argumentsOf(option);
    if (more !== undefined) throw invalid(option, 'takes a number and a layer', more.index);
    const range = integerRange(option, LARGEST_ID, number.text, number.index);
    const which = layer?.text ?? 'any';
    const index = Number(which);
    if (which !== 'any' && which !== 'all' && !(/^-?\d$/.test(which) && index >= -3 && index < MOST_LAYERS))
      throw invalid(option, `"${which}" is no layer: 0 to 2, -3 to -1, any or all`, layer?.index);
    rule.payloadMode |= PayloadMode.PACKET;
    rule.packetTests.push({
      asks: FlowFact.LINK,
      matches({ linkBytes, linkStart, linkEnd }) {
        const layers = readIds(linkBytes, linkStart, linkEnd);
        if (which !== 'any' && which !== 'all') {
          const at = index < 0 ? layers + index : index;
          return at >= 0 && at < layers && range.has(ids[at]);
        }
        let matching = 0;
        for (let at = 0; at < layers; at++) if (range.has(ids[at])) matching++;
        return matching > 0 && (which === 'any' || matching === layers);
      },
    });
  },
};

/** `vlan.layers:[op]number`: how many tags the frame has. */
const vlanLayers: Keyword = {
  names: ['vlan.layers'],
  parse(option, rule) {
    const range = integerRange(option, MOST_LAYERS);
    rule.payloadMode |= PayloadMode.PACKET;
    rule.packetTests.push({
      asks: FlowFact.LINK,
      matches: ({ linkBytes, linkStart, linkEnd }) => range.has(readIds(linkBytes, linkStart, linkEnd)),
    });
  },
};

export const vlan: readonly Keyword[] = [vlanId, vlanLayers];
