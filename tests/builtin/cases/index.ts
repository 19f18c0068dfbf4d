import type { SignatureCase } from '../exchange';
import { databases } from './databases';
import { evasion } from './evasion';
import { iot } from './iot';
import { mailFtp } from './mail-ftp';
import { remoteAccess } from './remote-access';
import { services } from './services';
import { smb } from './smb';
import { webAppliances } from './web-appliances';
import { webApplications } from './web-applications';
import { webJava } from './web-java';

/** The cases by the rule file that they belong to. */
export const CASES: Readonly<Record<string, readonly SignatureCase[]>> = {
  'web-java.rules': webJava,
  'web-applications.rules': webApplications,
  'web-appliances.rules': webAppliances,
  'iot.rules': iot,
  'smb.rules': smb,
  'remote-access.rules': remoteAccess,
  'mail-ftp.rules': mailFtp,
  'databases.rules': databases,
  'services.rules': services,
  'evasion.rules': evasion,
};
