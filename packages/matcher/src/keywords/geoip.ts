import type { Keyword } from '../keyword';
import { argumentsOf, invalid } from '../option-value';

const SIDES: readonly string[] = ['any', 'src', 'dst', 'both'];

/** `geoip:[any|src|dst|both,][!]CC[,[!]CC…]`: the countries of the addresses. */
export const geoip: Keyword = {
  names: ['geoip'],
  parse(option, rule) {
    const { geo } = rule.environment;
    if (geo === null) throw invalid(option, 'no GeoIP database is configured');
    const parts = argumentsOf(option);
    const side = SIDES.includes(parts[0].text) ? (parts.shift()?.text as string) : 'any';
    if (parts.length === 0) throw invalid(option, 'needs a country');
    const wanted = new Set<string>();
    let negated = false;
    for (const { text, index } of parts) {
      const form = /^(!?)\s*([A-Za-z0-9]{2})$/.exec(text);
      if (!form) throw invalid(option, `"${text}" is not a country of two letters`, index);
      if (form[1] === '!') negated = true;
      wanted.add(form[2].toUpperCase());
    }
    const holds = (address: Uint32Array): boolean => {
      const country = geo.country(address);
      return country !== null && wanted.has(country) !== negated;
    };
    rule.packetTests.push({
      matches({ packet: { source, destination } }) {
        if (side === 'src') return holds(source);
        if (side === 'dst') return holds(destination);
        return side === 'both' ? holds(source) && holds(destination) : holds(source) || holds(destination);
      },
    });
  },
};
