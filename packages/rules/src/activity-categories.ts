/** What unwanted programs do once they are inside, by category: the classes of the rules. */
export const ACTIVITY_CATEGORIES: Readonly<Record<string, readonly string[]>> = {
  malware: ['trojan-activity', 'command-and-control', 'domain-c2', 'targeted-activity', 'exploit-kit'],
  adware: ['pup-activity'],
  'coin-mining': ['coin-mining'],
  phishing: ['credential-theft', 'social-engineering'],
};

/** The category of what would be an attack if it did not come from the protected side. */
export const ATTACKS_FROM_WITHIN = 'attacks';
