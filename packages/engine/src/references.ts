/**
 * Where the systems that rules refer to (`reference:cve,2014-0160`) have their pages, by name in lower case; as in the
 * `reference.config` that comes with Suricata.
 */
const PAGES: ReadonlyMap<string, string> = new Map([
  ['url', 'https://'],
  ['telus', 'https://'],
  ['cve', 'https://cve.mitre.org/cgi-bin/cvename.cgi?name='],
  ['bugtraq', 'https://www.securityfocus.com/bid/'],
  ['bid', 'https://www.securityfocus.com/bid/'],
  ['et', 'https://doc.emergingthreats.net/'],
  ['etpro', 'https://doc.emergingthreatspro.com/'],
  ['exploitdb', 'https://www.exploit-db.com/exploits/'],
  ['mcafee', 'https://vil.nai.com/vil/content/v_'],
  ['md5', 'https://www.threatexpert.com/report.aspx?md5='],
  ['threatexpert', 'https://www.threatexpert.com/report.aspx?md5='],
  ['msft', 'https://technet.microsoft.com/security/bulletin/'],
  ['nessus', 'https://www.nessus.org/plugins/index.php?view=single&id='],
  ['openpacket', 'https://www.openpacket.org/capture/grab/'],
  ['osvdb', 'https://osvdb.org/show/osvdb/'],
  ['secunia', 'https://www.secunia.com/advisories/'],
  ['securitytracker', 'https://securitytracker.com/id?'],
  ['xforce', 'https://xforce.iss.net/xforce/xfdb/'],
  ['arachnids', 'https://www.whitehats.com/info/IDS'],
]);
const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;

/** The address of what a rule refers to; the reference as it is where its system is not known. */
export function referenceAddress(reference: string): string {
  const comma = reference.indexOf(',');
  const page = comma < 0 ? undefined : PAGES.get(reference.slice(0, comma).trim().toLowerCase());
  if (page === undefined) return reference;
  const place = reference.slice(comma + 1).trim();
  return SCHEME.test(place) ? place : page + place;
}
